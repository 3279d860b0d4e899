import type { Properties, ServerActivity } from '../../lib/index.js';
import type { Source } from './people.js';
import type { Random } from './random.js';
import {
  DOCS,
  DOWNLOADS,
  GLANCE,
  PLANS,
  POSTS,
  type Product,
  PRODUCTS,
  READING,
  SEARCHES,
  LINKS,
} from './site.js';

export interface Account {
  id: number;
  name: string;
  plan: string;
}

/** One browser. */
export interface Visitor {
  session: string;
  userAgent: string;
  country: string;
  language: string;
  ip: string;
  account?: Account | undefined;
  isLoggedIn: boolean;
  /** Milliseconds since 1970. */
  lastSeen: number;
}

/** An activity with its date. */
export type Step = ServerActivity & { date: Date };

/** No page is viewed after this many activities, so that a visit has fewer than 25. */
const MAX_STEPS = 20;

/** Milliseconds; less than the pause that ends a visit. */
const MAX_STAY = 900_000;

const PAGES: Record<string, [string, number][]> = {
  '/products/*': PRODUCTS.map(([{ sku }, weight]) => [`/products/${sku}`, weight]),
  '/blog/*': POSTS,
  '/docs/*': DOCS,
};

const ASK_MEMBERS_TO_LOG_IN = ['/checkout', '/account'];
const FOR_CRAWLERS = ['/', '/products', '/products/*', '/pricing', '/blog', '/blog/*', '/docs', '/docs/*'];

/** Generates one visit, as the browser's tracker would send it. */
export class Walk {
  readonly steps: Step[] = [];
  private readonly visit: string;
  private readonly basket: number[] = [];
  private path = '';
  /** The page to view after the login. */
  private wanted: string | undefined;

  /** @param signUp returns a new account, while there are names */
  constructor(
    private readonly random: Random,
    private readonly visitor: Visitor,
    private now: number,
    private readonly signUp: (plan: string) => Account | undefined = () => undefined,
  ) {
    this.visit = random.key(15);
  }

  run({ landings, query, referer, bounces }: Source): void {
    this.view(this.random.weighted(Object.entries(landings)), referer, query);
    if (!this.random.chance(this.visitor.account ? 0.7 * bounces : bounces)) {
      this.act();
      let page = this.nextPage(['end']);
      while (page !== 'end' && this.steps.length < MAX_STEPS) {
        this.stay();
        this.view(page, this.path);
        this.act();
        page = this.nextPage();
      }
    }
    this.stay();
    this.visitor.lastSeen = this.now;
  }

  /** Generates a visit of a bot, which only views pages. */
  crawl(pages: number): void {
    for (let i = 0; i < pages; i += 1) {
      this.view(this.random.pick(FOR_CRAWLERS));
      this.pass(this.random.between(900, 9000));
    }
  }

  /** Returns the next page. @param barred pages that are not allowed */
  private nextPage(barred: string[] = []): string {
    const { account, isLoggedIn } = this.visitor;
    if (this.wanted && isLoggedIn) {
      const { wanted } = this;
      this.wanted = undefined;
      return wanted;
    }
    const closed = [...barred, account ? '/signup' : '/account'];
    if (this.basket.length === 0) closed.push('/cart');
    const candidates = Object.entries(LINKS[kindOf(this.path)] ?? {});
    const page = this.random.weighted(candidates.filter(([each]) => !closed.includes(each)));
    // Visitors without an account buy as guests.
    if (!account || isLoggedIn || !ASK_MEMBERS_TO_LOG_IN.includes(page)) return page;
    this.wanted = page;
    return '/login';
  }

  private view(page: string, referer?: string, query?: string): void {
    const others = PAGES[page]?.filter(([path]) => path !== this.path);
    const path = others ? this.random.weighted(others) : page;
    this.path = query ? `${path}?${query}` : path;
    this.track('view', { referer });
  }

  /** Generates activities on a page besides its view. */
  private act(): void {
    const kind = kindOf(this.path);
    const searches = SEARCHES[kind];
    if (searches && this.random.chance(0.3)) this.do('search', { query: this.random.pick(searches) });
    const files = DOWNLOADS[kind];
    if (files && this.random.chance(0.12)) this.do('download', { file: this.random.pick(files) });
    const product = PRODUCTS.find(([{ sku }]) => this.path === `/products/${sku}`)?.[0];
    if (product && this.random.chance(0.24)) this.add(product);
    if (kind === '/login') this.logIn();
    if (kind === '/signup' && this.random.chance(0.3)) this.join();
    if (kind === '/checkout' && this.basket.length > 0 && this.random.chance(0.66)) this.buy();
  }

  private add(product: Product): void {
    this.basket.push(product.price);
    this.do('add-to-cart', { ...product });
  }

  private logIn(): void {
    this.visitor.isLoggedIn = true;
    this.do('login');
  }

  private join(): void {
    const { plan, price } = this.random.weighted(PLANS);
    this.visitor.account = this.signUp(plan);
    if (!this.visitor.account) return;
    this.visitor.isLoggedIn = true;
    this.do('signup', { plan });
    if (price === 0) return;
    this.basket.push(price);
    this.wanted = '/checkout';
  }

  private buy(): void {
    const total = this.basket.splice(0).reduce((sum, price) => sum + price, 0);
    this.do('bought', { plan: this.visitor.account?.plan ?? 'none', total });
  }

  private do(name: string, properties?: Properties): void {
    this.pass(this.random.between(3000, 20_000));
    this.track(name, { properties });
  }

  /** Generates the time on a page, and usually an `engagement`; none if the browser is closed too fast. */
  private stay(): void {
    const usual = READING[kindOf(this.path)] ?? GLANCE;
    const stay = Math.min(MAX_STAY, usual * 1000 * (0.1 - Math.log(1 - this.random.next())));
    const isTold = this.random.chance(0.92);
    this.pass(stay);
    const visible = Math.round(stay * (0.6 + 0.4 * this.random.next()));
    const scroll = Math.min(100, this.random.between(25, 130));
    if (isTold) this.track('engagement', { properties: { visible, scroll } });
    this.pass(this.random.between(90, 900));
  }

  private pass(milliseconds: number): void {
    this.now += Math.round(milliseconds);
  }

  private track(
    name: string,
    details: { referer?: string | undefined; properties?: Properties | undefined },
  ): void {
    const { session, userAgent, country, language, ip, account, isLoggedIn } = this.visitor;
    this.steps.push({
      date: new Date(this.now),
      path: this.path,
      name,
      session,
      visit: this.visit,
      userAgent,
      country,
      language,
      ip,
      ...(account && isLoggedIn ? { user: account } : {}),
      ...details,
    });
  }
}

/** Returns the key of {@link LINKS} for a path. */
function kindOf(path: string): string {
  const page = path.replace(/\?.*/, '');
  return page in LINKS ? page : page.replace(/[^/]+$/, '*');
}
