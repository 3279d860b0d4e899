// A small shop that sells weather stations and plans for their data, with a blog and docs.

/** The next pages of each page with their weights; `end` ends the visit. A `*` is any page of that kind. */
export const LINKS: Record<string, Record<string, number>> = {
  '/': { '/products': 36, '/pricing': 24, '/docs': 10, '/blog': 10, '/account': 30, end: 16 },
  '/products': { '/products/*': 72, '/account': 14, '/pricing': 8, '/': 4, end: 14 },
  '/products/*': { '/cart': 60, '/products': 24, '/products/*': 22, '/docs/*': 9, '/pricing': 10, end: 24 },
  '/cart': { '/checkout': 58, '/products': 20, end: 24 },
  '/checkout': { '/account': 26, '/cart': 10, '/products': 10, end: 40 },
  '/pricing': { '/signup': 26, '/products': 18, '/docs': 12, '/': 10, '/account': 10, end: 30 },
  '/signup': { '/pricing': 20, '/docs/*': 15, '/account': 40, end: 20 },
  '/login': { '/account': 70, '/products': 20, '/docs/*': 10 },
  '/account': { '/products': 24, '/docs/*': 20, '/pricing': 6, '/blog': 6, end: 30 },
  '/blog': { '/blog/*': 75, '/': 8, end: 18 },
  '/blog/*': { '/blog/*': 20, '/blog': 12, '/products': 16, '/': 14, '/pricing': 9, end: 32 },
  '/docs': { '/docs/*': 84, '/': 5, end: 12 },
  '/docs/*': { '/docs/*': 46, '/docs': 14, '/pricing': 7, '/products': 7, end: 28 },
};

export interface Product {
  sku: number;
  price: number;
}

/** The products with their weights. */
export const PRODUCTS: [Product, number][] = [
  [{ sku: 11, price: 39 }, 8],
  [{ sku: 12, price: 59 }, 12],
  [{ sku: 14, price: 89 }, 9],
  [{ sku: 17, price: 149 }, 30],
  [{ sku: 18, price: 199 }, 16],
  [{ sku: 21, price: 24 }, 6],
  [{ sku: 23, price: 12 }, 5],
  [{ sku: 30, price: 349 }, 7],
];

/** Blog posts with their weights. */
export const POSTS: [string, number][] = [
  ['/blog/why-rain-gauges-lie', 24],
  ['/blog/a-year-of-wind', 12],
  ['/blog/reading-a-barometer', 18],
  ['/blog/station-on-a-balcony', 15],
  ['/blog/frost-warnings', 10],
  ['/blog/open-data', 6],
];

export const LAUNCH_POST = '/blog/station-17';

export const DOCS: [string, number][] = [
  ['/docs/getting-started', 30],
  ['/docs/mounting', 16],
  ['/docs/calibration', 14],
  ['/docs/api', 18],
  ['/docs/export', 9],
  ['/docs/firmware', 11],
  ['/docs/faq', 8],
];

/** Plans with monthly prices and weights. */
export const PLANS: [{ plan: string; price: number }, number][] = [
  [{ plan: 'free', price: 0 }, 60],
  [{ plan: 'pro', price: 9 }, 31],
  [{ plan: 'team', price: 29 }, 9],
];

/** Search texts by page. */
export const SEARCHES: Record<string, string[]> = {
  '/products': ['rain gauge', 'wind', 'solar', 'mast', 'indoor', 'soil moisture', 'battery', 'lightning'],
  '/docs': ['api key', 'wifi', 'reset', 'calibrate', 'mqtt', 'csv', 'home assistant', 'battery'],
};

export const DOWNLOADS: Record<string, string[]> = {
  '/products/*': ['datasheet.pdf', 'dimensions.pdf'],
  '/docs/*': ['quick-start.pdf', 'firmware-2.4.1.zip', 'firmware-2.5.0.zip', 'mounting-template.pdf'],
};

/** Seconds on a page: most visitors stay shorter, some much longer; on other pages {@link GLANCE}. */
export const READING: Record<string, number> = {
  '/products/*': 45,
  '/blog/*': 110,
  '/docs/*': 80,
  '/pricing': 40,
  '/checkout': 70,
  '/signup': 50,
};

export const GLANCE = 18;
