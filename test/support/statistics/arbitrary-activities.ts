import fc from 'fast-check';
import type { Properties, ServerActivity } from '../../../lib/index.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Clock changes in Berlin and in New York, some in the same week, and 29 February. */
export const ANCHORS = [
  '2024-02-29T12:00:00Z',
  '2024-10-27T01:00:00Z',
  '2025-03-09T07:00:00Z',
  '2025-03-30T01:00:00Z',
  '2025-10-26T01:00:00Z',
  '2025-11-02T06:00:00Z',
].map((text) => Date.parse(text));

/** Texts that a wrong collation treats as equal, or that a wrong pattern matches. */
const TEXTS = ['a', 'A', 'a ', 'ä', 'é', 'É', 'ß', '🦋', 'a%', 'a_b', 'aXb', 'a\\b', 'a!b', "it's", '"q"'];
const LONG = '/long'.repeat(400);

export const PATHS = [
  '/',
  '/pricing',
  '/Pricing',
  ...TEXTS.map((text) => `/${text}`),
  `${LONG}/a`,
  `${LONG}/A`,
];

export const PATHS_WITH_QUERY = [
  '/?utm_source=News%20Letter&utm_medium=e+mail&utm_campaign=Fall',
  '/?utm_source=news%20letter&utm_medium=e%2Bmail',
  '/pricing?utm_source=a&utm_source=b&utm_campaign=',
  '/?utm_source=&utm_source=c',
  '/?utm_source=%zz&utm_medium=%C3%A4&utm_campaign=%ff',
  '/?utm_source=a+&utm_medium=ä#utm_campaign=none',
  '/#?utm_source=none',
  '/?UTM_SOURCE=a&x?utm_medium=none',
  '/?utm_source=a&amp;Utm_Medium=a&amp;utm_term=shoes+red&amp;utm_content=top',
  '/pricing?utm_term=&UTM_CONTENT=top&utm_content=none',
  `/?utm_campaign=${'🦋'.repeat(300)}`,
  '/?utm_source=a%00b&utm_source',
  '/?&&utm_medium&utm_source==&utm_campaign=%F0%9F%A6%8B',
];

/** Paths with the same pages as others, or with similar ones. */
const PATHS_OF_PAGES = [
  '/pricing/',
  '/pricing//',
  '/pricing?plan=pro',
  '/pricing/?fbclid=a#faq',
  '/a#top',
  `/a#${'🦋'.repeat(300)}`,
  `${LONG}/a?x`,
  `${LONG}/a/`,
  '/#/a/?x',
  '/#!/a',
  '/pricing/#/a',
  '#/a?x#y',
  '#top',
  '?x',
  '//',
  '/?/',
];
/** Their pages that no path equals. */
export const OTHER_PAGES = ['/#/a', '/#!/a', '/pricing#/a', '#/a', '#top'];

const REFERERS = [
  'https://duckduckgo.com/?q=a',
  'https://www.DuckDuckGo.com/',
  'http://duckduckgo.com:8080/',
  'HTTPS://WWW.EXAMPLE.ORG',
  'https://name:secret@www.www.example.org/',
  'https://bücher.example/',
  'http://[::1]:3000/',
  'android-app://com.google.android.gm/',
  'https://duckduckgo.com./',
  'https://XN--Bcher-KVA.example/',
  'https://',
  '/pricing?x=https://duckduckgo.com/',
  'junk',
];
export const REFERRERS = [
  'duckduckgo.com',
  'example.org',
  'www.example.org',
  'com.google.android.gm',
  'bücher.example',
  'xn--bcher-kva.example',
  'BÜCHER.example.',
  'DuckDuckGo.com.',
  '[::1]',
];

/** The sources in the paths, and a few others. */
export const UTM_SOURCES = ['News Letter', 'news letter', 'a', 'a ', 'b', 'c', '%zz', '=', 'none'];
export const UTM_MEDIUMS = ['e mail', 'e+mail', 'ä', 'a', 'none'];
export const UTM_TERMS = ['shoes red', 'none'];
export const UTM_CONTENTS = ['top', 'none'];
export const UTM_CAMPAIGNS = ['Fall', 'fall', '🦋', '🦋'.repeat(255), '\uFFFD'];

export const NAMES = ['view', 'View', 'engagement', 'bought', 'signed up', 'é'];
export const GROUPS = ['17', 'Ä', 'a:b'];
export const USERS = ['u', 'U', 'ü', 'u ', '17', '🦋'];
export const SESSIONS = ['s0', 's1', 's2', 's3', 's4', 's5', 's6', 'S0', 's_', '17'];
export const IPS = ['127.0.0.1', '203.0.113.7', '2001:db8::1'];

export const COUNTRIES = ['DE', 'FR', 'CH'];
export const LANGUAGES = ['en-US', 'de', 'zh-Hant-TW', 'en-GB'];

const USER_AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36',
  'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (iPad; CPU OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
  undefined,
  'something else',
];

export const PROPERTIES: Properties[] = [
  { plan: 'pro' },
  { plan: 'Pro', n: 1 },
  { plan: 'pro ', n: '1', paid: true },
  { plan: '', n: -2.5, paid: 'true' },
  { plan: null, n: [1], paid: false, 'a.b': 'x' },
  { plan: { plan: 'pro' }, n: { n: 1 }, a: { b: 'x' } },
  { plan: 'é', '"': "'", $: 0, 'a b': '%' },
  { visible: 1234 },
  { visible: 700_000.5, scroll: 100 },
  { visible: 90_000_000 },
  { visible: -1 },
  { visible: '1000' },
  { n: 0.1 },
  { n: 0.2 },
  { n: -0.3 },
  { n: 1_234_567.891 },
  { n: 9_007_199_254_740_991 },
  { visible: 500, scroll: 40.5 },
  { visible: 1500, scroll: 0 },
  { scroll: 101 },
  { n: '0.1' },
  { plan: '🦋', n: 1000000, '🦋': 'ä', [`'`]: '"' },
  {},
];
const ENGAGEMENTS: Properties[] = [
  { visible: 60_000, scroll: 50 },
  { visible: 600_000, scroll: 12.5 },
  { visible: 4_000_000.5 },
  { visible: 90_000_000, scroll: 100 },
];
export const ROUTES = ['/items/:id', '/Items/:id', '/items/:id/pay', '/ä/*'];
export const SUBJECTS = ['item:17', 'item:1', 'Item:17', 'user:ä'];
export const NUMBERS = [1, -2.5, 0, 1_000_000, 0.1, 1234, 700_000.5, 1e-7, 1.5e-9, 99_999_999_999_999.98];
export const KEYS = ['plan', 'n', 'paid', 'a.b', 'a', '"', "'", '$', 'a b', '🦋', 'nothing'];

const VISIT_COUNT = 120;

export const VISITS = Array.from(
  { length: VISIT_COUNT },
  (_, i) => `${i % 7 === 0 ? 'V' : 'v'}${i >> 1}-${i & 1}`,
);

/** Returns mostly the first value. */
function mostly<T>(usual: T, ...others: T[]): fc.Arbitrary<T> {
  return fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, fc.constantFrom(...others));
}

/** Few moments within two hours, so that some activities have the same millisecond. */
const anOffset = fc
  .tuple(fc.nat(7), fc.constantFrom(0, 0, 0, 1, 999, 1000, 59_999, 400_000))
  .map(([quarter, beside]) => quarter * 15 * MINUTE + beside);

/** Returns the start of a visit in the days around a clock change; some visits continue past midnight. */
function beginOf(visit: number): number {
  const anchor = ANCHORS[visit % ANCHORS.length] ?? 0;
  return anchor + (Math.floor(visit / ANCHORS.length) - 10) * 3 * HOUR - HOUR;
}

/** Activities of a few visits, users and sessions, in any order. */
export const anActivity: fc.Arbitrary<ServerActivity> = fc.nat(VISIT_COUNT - 1).chain((i) => {
  const session = SESSIONS[i % SESSIONS.length] ?? '';
  return fc
    .record({
      id: fc.uuid({ version: [4, 7] }),
      date: anOffset.map((offset) => new Date(beginOf(i) + offset)),
      path: fc.oneof(
        fc.constantFrom('/', '/pricing'),
        fc.constantFrom(...PATHS, ...PATHS_WITH_QUERY, ...PATHS_OF_PAGES),
      ),
      referer: fc.option(fc.constantFrom(...REFERERS), { nil: undefined }),
      route: fc.option(fc.constantFrom(...ROUTES), { nil: undefined }),
      subject: fc.option(fc.constantFrom(...SUBJECTS), { nil: undefined }),
      name: fc.oneof(fc.constant('view'), fc.constantFrom(...NAMES)),
      properties: fc.option(fc.constantFrom(...PROPERTIES), { nil: undefined }),
      engagement: fc.constantFrom(undefined, ...ENGAGEMENTS),
      user: fc.option(
        fc.record({
          id: mostly(USERS[i % USERS.length] ?? '', ...USERS),
          name: fc.constantFrom('Jeff', 'Ada', null),
        }),
        { nil: undefined },
      ),
      group: fc.option(
        fc.record({
          type: fc.constantFrom('company', 'Company'),
          id: mostly(GROUPS[i % GROUPS.length] ?? '', ...GROUPS),
          name: fc.constantFrom('Acme', 'ACME jeff', undefined),
        }),
        { nil: undefined },
      ),
      session: fc.oneof(
        { weight: 8, arbitrary: mostly(session, ...SESSIONS) },
        fc.constant<string | undefined>(undefined),
      ),
      visit: mostly<string | undefined>(VISITS[i], undefined),
      interactive: mostly<boolean | undefined>(undefined, true, false, false),
      ip: fc.constantFrom(...IPS, undefined),
    })
    .map(({ engagement, ...activity }) => {
      const place = SESSIONS.indexOf(activity.session ?? '');
      return {
        ...activity,
        properties: (activity.name === 'engagement' && engagement) || activity.properties,
        userAgent: USER_AGENTS[place % USER_AGENTS.length],
        // Some have none.
        country: COUNTRIES[place % (COUNTRIES.length + 1)],
        language: LANGUAGES[place % (LANGUAGES.length + 1)],
      };
    });
});
