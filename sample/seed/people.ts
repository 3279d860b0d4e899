import { LAUNCH_POST } from './site.js';

/** Names of accounts; the index is the id. The first two are the users of the sample. */
export const NAMES = `
  jeff ada mia.hoffmann tom.baker lucia.romero jonas.weber aiko.tanaka peter.novak clara.dubois
  samuel.okafor nina.larsen david.cohen priya.nair marco.rossi emma.clarke oskar.lind fatima.zahra
  liam.murphy ines.costa yusuf.demir hanna.virtanen paul.martin sofia.petrov ben.carter mei.chen
  anton.bauer ruth.adler diego.morales eva.horvath noah.fischer leila.haddad george.evans
  marta.kowalska kofi.mensah julie.bernard max.vogel chloe.walker arjun.mehta greta.holm
  ivan.sokolov laura.gallo henry.wright zeynep.kaya felix.krause amara.diallo simon.keller
  olga.ivanova jack.turner elena.popescu karl.berg naomi.sato rafael.silva alice.moreau
  victor.jansen sara.nilsson omar.farouk lena.schmidt theo.laurent isla.campbell milan.horak
  carmen.vega erik.hansen
`
  .trim()
  .split(/\s+/);

/** How many accounts exist from the start; the others sign up. */
export const EARLY = 26;

const WINDOWS = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64';
const MAC = 'Mozilla/5.0 (Macintosh; Intel Mac OS X 10';
const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)';
const SAFARI = 'AppleWebKit/605.1.15 (KHTML, like Gecko)';

export const USER_AGENTS: [string, number][] = [
  [`${WINDOWS}) ${WEBKIT} Chrome/142.0.0.0 Safari/537.36`, 24],
  [`${WINDOWS}) ${WEBKIT} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0`, 8],
  [`${WINDOWS}; rv:145.0) Gecko/20100101 Firefox/145.0`, 5],
  [`${WINDOWS}) ${WEBKIT} Chrome/141.0.0.0 Safari/537.36 OPR/125.0.0.0`, 1],
  [`${MAC}_15_7) ${WEBKIT} Chrome/142.0.0.0 Safari/537.36`, 9],
  [`${MAC}_15_7) ${SAFARI} Version/26.1 Safari/605.1.15`, 8],
  [`${MAC}.15; rv:145.0) Gecko/20100101 Firefox/145.0`, 2],
  [`Mozilla/5.0 (X11; Linux x86_64) ${WEBKIT} Chrome/142.0.0.0 Safari/537.36`, 3],
  ['Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0', 4],
  [
    `Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) ${SAFARI} Version/26.1 Mobile/15E148 Safari/604.1`,
    17,
  ],
  [
    `Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) ${SAFARI} CriOS/142.0.7444.77 Mobile/15E148 Safari/604.1`,
    2,
  ],
  [`Mozilla/5.0 (Linux; Android 10; K) ${WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36`, 17],
  [
    `Mozilla/5.0 (Linux; Android 15; SM-S931B) ${WEBKIT} SamsungBrowser/29.0 Chrome/136.0.0.0 Mobile Safari/537.36`,
    3,
  ],
  ['Mozilla/5.0 (Android 15; Mobile; rv:145.0) Gecko/145.0 Firefox/145.0', 1],
  [`Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) ${SAFARI} Version/26.1 Mobile/15E148 Safari/604.1`, 3],
];

export const BOTS: [string, number][] = [
  ['Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)', 8],
  ['Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)', 5],
  [`Mozilla/5.0 ${WEBKIT}; compatible; GPTBot/1.2; +https://openai.com/gptbot)`, 4],
  ['Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)', 3],
  ['curl/8.14.1', 1],
];

/** A source of visits. */
export interface Source {
  referer?: string;
  /** The query string of the landing page. */
  query?: string;
  landings: Record<string, number>;
  /** The share of visits with a single page. */
  bounces: number;
}

const SEARCH = { '/': 26, '/products': 14, '/products/*': 16, '/blog/*': 24, '/docs/*': 20 };
const HOME = { '/': 66, '/products': 12, '/docs': 8, '/blog': 8, '/pricing': 6 };
const POST = { '/blog/*': 80, '/': 20 };
const SHOP = { '/products': 45, '/products/*': 30, '/pricing': 25 };
const LAUNCH = { [LAUNCH_POST]: 60, '/': 25, '/products/17': 15 };

export const SOURCES: [Source, number][] = [
  [{ landings: HOME, bounces: 0.36 }, 31],
  [{ referer: 'https://www.google.com/', landings: SEARCH, bounces: 0.46 }, 29],
  [{ referer: 'https://www.bing.com/', landings: SEARCH, bounces: 0.46 }, 4],
  [{ referer: 'https://duckduckgo.com/', landings: SEARCH, bounces: 0.43 }, 5],
  [{ referer: 'https://www.reddit.com/', landings: POST, bounces: 0.6 }, 4],
  [{ referer: 'https://news.ycombinator.com/', landings: POST, bounces: 0.62 }, 3],
  [{ referer: 'https://www.linkedin.com/', landings: POST, bounces: 0.55 }, 2],
  [{ referer: 'https://github.com/', landings: { '/docs': 40, '/docs/api': 60 }, bounces: 0.35 }, 3],
  [{ referer: 'https://daily-forecast.example/reviews', landings: SHOP, bounces: 0.38 }, 3],
  [{ referer: 'https://garden-partners.example/', landings: SHOP, bounces: 0.32 }, 3],
  [
    {
      query: 'utm_source=newsletter&utm_medium=email&utm_campaign=weekly',
      landings: { ...POST, '/products': 30 },
      bounces: 0.34,
    },
    5,
  ],
  [
    {
      referer: 'https://www.google.com/',
      query: 'utm_source=google&utm_medium=cpc&utm_campaign=rain-gauges',
      landings: SHOP,
      bounces: 0.5,
    },
    5,
  ],
  [
    {
      referer: 'https://www.instagram.com/',
      query: 'utm_source=instagram&utm_medium=social&utm_campaign=balcony',
      landings: SHOP,
      bounces: 0.58,
    },
    3,
  ],
];

/** Sources of the launch's visits. */
export const LAUNCH_SOURCES: [Source, number][] = [
  [{ referer: 'https://news.ycombinator.com/', landings: LAUNCH, bounces: 0.55 }, 45],
  [{ referer: 'https://www.reddit.com/', landings: LAUNCH, bounces: 0.55 }, 15],
  [{ referer: 'https://daily-forecast.example/news', landings: LAUNCH, bounces: 0.42 }, 15],
  [
    {
      query: 'utm_source=newsletter&utm_medium=email&utm_campaign=launch',
      landings: LAUNCH,
      bounces: 0.3,
    },
    15,
  ],
  [
    {
      referer: 'https://t.co/',
      query: 'utm_source=x&utm_medium=social&utm_campaign=launch',
      landings: LAUNCH,
      bounces: 0.52,
    },
    10,
  ],
];

/** Relative number of visits by hour of the day. */
export const HOURS = [
  [5, 3, 2, 1, 1, 2, 5, 12, 26, 40, 46, 44],
  [36, 38, 44, 45, 42, 36, 30, 31, 34, 32, 22, 11],
].flat();

/** Relative number of visits by day of the week, from Sunday. */
export const WEEKDAYS = [0.5, 1.1, 1.2, 1.2, 1.1, 0.95, 0.45];

/** Countries and the languages of their browsers. */
export const PLACES: [[country: string, language: string], number][] = [
  [['US', 'en-US'], 24],
  [['US', 'es-US'], 3],
  [['GB', 'en-GB'], 14],
  [['DE', 'de-DE'], 12],
  [['DE', 'en-US'], 4],
  [['FR', 'fr-FR'], 9],
  [['IN', 'en-IN'], 7],
  [['NL', 'nl-NL'], 5],
  [['CH', 'de-CH'], 3],
  [['CH', 'fr-CH'], 2],
  [['BR', 'pt-BR'], 4],
  [['JP', 'ja'], 3],
  [['PL', 'pl'], 2],
];
