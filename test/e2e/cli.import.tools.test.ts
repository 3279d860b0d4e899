import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { emptyDatabase, output, run, runProcess } from '../support/command.js';
import type { TestDatabase } from '../support/databases.js';
import {
  AHOY,
  csv,
  type Files,
  GA4,
  MATOMO,
  MATOMO_LIVE,
  PLAUSIBLE,
  UMAMI,
} from '../support/import-fixtures.js';

type Row = Record<string, string>;

interface Counts {
  activities: number;
  views: number;
  visits: number;
  sessions: number;
  users: number;
}

const RANGE = ['--from', '2026-03-01T00:00Z', '--to', '2026-03-02T00:00Z'];

/** The rows of a fixture, read without the code of the import. */
function rowsOf(files: Files, name: string): Row[] {
  const content = files[name] ?? '';
  const [header = '', ...lines] = String(typeof content === 'string' ? content : gunzipSync(content))
    .trim()
    .split('\n');
  const separator = name.endsWith('.tsv') ? '\t' : ',';
  const columns = header.split(separator);
  const cell = new RegExp(`(?:^|${separator})(?:"((?:[^"]|"")*)"|([^${separator}]*))`, 'g');
  return lines.map((line) => {
    const cells = [...line.matchAll(cell)].map(([, quoted, bare]) => quoted ?? bare ?? '');
    return Object.fromEntries(columns.map((column, i) => [column, cells[i] ?? '']));
  });
}

const distinct = (values: unknown[]): number =>
  new Set(values.filter((value) => value !== '' && value !== 'NULL' && value !== undefined)).size;

function countMatomo(): Counts {
  const actions = rowsOf(MATOMO, 'log_link_visit_action.tsv');
  const visits = rowsOf(MATOMO, 'log_visit.tsv');
  const pages = rowsOf(MATOMO, 'log_action.tsv').filter(({ type }) => type === '1');
  return {
    activities: actions.length,
    views: actions.filter(
      ({ idaction_url, idaction_event_category }) =>
        idaction_event_category === 'NULL' && pages.some(({ idaction }) => idaction === idaction_url),
    ).length,
    visits: distinct(visits.map(({ idvisit }) => idvisit)),
    sessions: distinct(visits.map(({ idvisitor }) => idvisitor)),
    users: distinct(visits.map(({ user_id }) => user_id)),
  };
}

const TOOLS: { tool: string; files: Files; expected: Counts }[] = [
  (() => {
    const events = rowsOf(UMAMI, 'website_event.csv');
    return {
      tool: 'umami',
      files: UMAMI,
      expected: {
        activities: events.length,
        views: events.filter(({ event_type }) => event_type === '1').length,
        visits: distinct(events.map(({ visit_id }) => visit_id)),
        sessions: distinct(events.map(({ session_id }) => session_id)),
        users: distinct(rowsOf(UMAMI, 'session.csv').map(({ distinct_id }) => distinct_id)),
      },
    };
  })(),
  (() => {
    const events = rowsOf(PLAUSIBLE, 'events_v2.csv.gz');
    return {
      tool: 'plausible',
      files: PLAUSIBLE,
      expected: {
        activities: events.length,
        views: events.filter(({ name }) => name === 'pageview').length,
        visits: distinct(events.map(({ session_id }) => session_id)),
        sessions: distinct(events.map(({ user_id }) => user_id)),
        users: 0,
      },
    };
  })(),
  (() => {
    const [events, visits] = [rowsOf(AHOY, 'ahoy_events.csv'), rowsOf(AHOY, 'ahoy_visits.csv')];
    const empty = visits.filter(({ id }) => !events.some(({ visit_id }) => visit_id === id));
    return {
      tool: 'ahoy',
      files: AHOY,
      expected: {
        activities: events.length + empty.length,
        views: events.filter(({ name }) => name === '$view').length + empty.length,
        visits: visits.length,
        sessions: distinct(visits.map(({ visitor_token }) => visitor_token)),
        users: distinct([...events, ...visits].map(({ user_id }) => user_id)),
      },
    };
  })(),
  { tool: 'matomo', files: MATOMO, expected: countMatomo() },
  { tool: 'matomo', files: MATOMO_LIVE, expected: countMatomo() },
  (() => {
    const events = String(GA4['events.ndjson']).trim().split('\n');
    const own = events.filter((line) => !/"event_name":"(session_start|first_visit)"/.test(line));
    const visitor = (line: string): string => /"user_pseudo_id":"([^"]+)/.exec(line)?.[1] ?? '';
    return {
      tool: 'ga4',
      files: GA4,
      expected: {
        activities: own.length,
        views: own.filter((line) => line.includes('"event_name":"page_view"')).length,
        visits: distinct(
          events.map((line) => visitor(line) + (/ga_session_id.*?"(\d+)"/.exec(line)?.[1] ?? '')),
        ),
        sessions: distinct(events.map(visitor)),
        users: distinct(events.map((line) => /"user_id":"(\d+)/.exec(line)?.[1])),
      },
    };
  })(),
];

const folder = mkdtempSync(join(tmpdir(), 'djaffar-import-tools-'));
let database: TestDatabase;

beforeEach(async () => {
  database = await emptyDatabase('sqlite');
});

afterEach(() => database.drop());

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function write(files: Files): string[] {
  const within = mkdtempSync(join(folder, 'files-'));
  mkdirSync(within, { recursive: true });
  for (const [name, content] of Object.entries(files)) writeFileSync(join(within, name), content);
  return readdirSync(within).map((name) => join(within, name));
}

async function ask(...question: string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await output(database, ['stats', ...question, ...RANGE])) as Record<string, unknown>;
}

async function counts(): Promise<Counts> {
  const overview = (await ask('overview')) as Record<keyof Counts, { value: number }>;
  const { activities, views, visits, sessions, users } = overview;
  return {
    activities: activities.value,
    views: views.value,
    visits: visits.value,
    sessions: sessions.value,
    users: users.value,
  };
}

async function top(...dimension: string[]): Promise<Record<string, number>> {
  const { items } = (await ask('top', ...dimension)) as { items: { value: string | null; count: number }[] };
  return Object.fromEntries(items.map(({ value, count }) => [String(value), count]));
}

async function exported(): Promise<Record<string, unknown>[]> {
  const text = await output(database, ['export']);
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

it.each(
  TOOLS.map(({ tool, files, expected }) => [tool, Object.keys(files).join(', '), files, expected] as const),
)('counts of %s (%s) are what its files say, and twice is once', async (tool, _, files, expected) => {
  const paths = write(files);
  const first = await output(database, ['import', '--from', tool, ...paths]);
  expect(await counts()).toEqual(expected);
  const stored = await exported();
  expect(await output(database, ['import', '--from', tool, ...paths.toReversed()])).toBe(
    first.replace(/(\d+) activities stored/, '0 activities stored, $1 already there'),
  );
  expect(await exported()).toEqual(stored);
  await output(database, ['check']);
});

it('keeps what Umami knows', async () => {
  const said = await output(database, ['import', '--from', 'umami', ...write(UMAMI)]);
  expect(said).toBe(
    '10 rows read, 5 activities stored\nnot stored, because there is no column for it: screen (2), region (1), city (1), page_title (4)\n',
  );
  expect(await top('utmSource')).toEqual({ mail: 1 });
  expect(await top('utmMedium')).toEqual({ email: 1 });
  expect(await top('referrer')).toEqual({ null: 1, 'duckduckgo.com': 1, 'bücher.example': 1 });
  expect(await top('browser')).toEqual({ Chrome: 2, Safari: 1 });
  expect(await top('system')).toEqual({ Windows: 2, iOS: 1 });
  expect(await top('device')).toEqual({ desktop: 2, mobile: 1 });
  expect(await top('country')).toEqual({ DE: 2, FR: 1 });
  expect(await top('language')).toEqual({ 'de-DE': 2, 'fr-FR': 1 });
  const stored = await exported();
  expect(stored.map(({ id }) => id)).toContain('10000000-0000-4000-8000-000000000001');
  expect(stored[0]).toMatchObject({
    date: '2026-03-01T09:00:00.123Z',
    path: '/?utm_source=mail&utm_medium=email',
    referer: 'https://duckduckgo.com/search?q=a',
    sessionId: 'umami-20000000-0000-4000-8000-000000000001',
    userId: '17',
  });
  expect(stored.find(({ name }) => name === 'bought')).toMatchObject({
    path: '/pricing',
    properties: { plan: 'pro', seats: 3, trial: true },
  });
});

it('keeps what Plausible knows', async () => {
  const said = await output(database, ['import', '--from', 'plausible', ...write(PLAUSIBLE)]);
  expect(said).toContain('browser_version (7)');
  expect(said).not.toContain('country');
  expect(await top('country')).toEqual({ DE: 2, FR: 1 });
  expect(await top('utmCampaign')).toEqual({ spring: 1 });
  expect(await top('referrer')).toEqual({ null: 2, 'duckduckgo.com': 1 });
  expect(await top('path')).toEqual({ '/': 2, '/docs': 2, '/pricing': 1 });
  expect(await top('system')).toEqual({ macOS: 2, Android: 1 });
  expect((await exported()).find(({ name }) => name === 'bought')).toMatchObject({
    properties: { plan: 'pro', note: "it's", revenue: 19.99, currency: 'EUR' },
  });
  expect((await exported()).find(({ name }) => name === 'engagement')).toMatchObject({
    properties: { visible: 60_000, scroll: 80 },
  });
});

it('keeps what ahoy knows', async () => {
  const said = await output(database, ['import', '--from', 'ahoy', ...write(AHOY)]);
  expect(said).toBe(
    '7 rows read, 5 activities stored\nnot stored, because there is no column for it: title of a page (1)\n',
  );
  expect(await top('utmSource')).toEqual({ mail: 1 });
  expect(await top('utmMedium')).toEqual({ email: 1 });
  expect(await top('referrer')).toEqual({ null: 1, 'duckduckgo.com': 1, 'bing.com': 1 });
  expect(await top('path')).toEqual({ '/': 1, '/account': 1, '/docs': 1 });
  expect(await top('browser')).toEqual({ Firefox: 2, Safari: 1 });
  expect(await top('country')).toEqual({ DE: 2, FR: 1 });
  const stored = await exported();
  expect(stored[0]).toMatchObject({
    path: '/?utm_source=mail&utm_medium=email',
    ipAddress: '192.0.2.7',
    userId: '17',
  });
  expect(stored.find(({ name }) => name === 'Ordered')).toMatchObject({
    path: '/pricing',
    properties: { plan: 'pro', url: 'https://shop.example/pricing' },
  });
});

it.each([
  ['its tables', MATOMO],
  ['its API', MATOMO_LIVE],
])('keeps what Matomo knows, from %s', async (_, files) => {
  const said = await output(database, ['import', '--from', 'matomo', ...write(files)]);
  expect(said).toContain('title of a page (3)');
  expect(await top('utmCampaign')).toEqual({ spring: 1 });
  expect(await top('utmTerm')).toEqual({ shoes: 1 });
  expect(await top('referrer')).toEqual({ null: 1, 'duckduckgo.com': 1 });
  expect(await top('path')).toEqual({ '/': 2, '/pricing': 1 });
  expect(await top('name')).toEqual({ view: 3, bought: 1, outbound: 1, search: 1 });
  expect(await top('browser')).toEqual({ Firefox: 1, Chrome: 1 });
  expect(await top('system')).toEqual({ Linux: 1, Android: 1 });
  expect(await top('device')).toEqual({ desktop: 1, mobile: 1 });
  expect(await top('country')).toEqual({ DE: 1, FR: 1 });
  const stored = await exported();
  expect(stored[0]).toMatchObject({ ipAddress: '192.0.2.7', properties: { custom_dimension_1: 'blue' } });
  expect(stored.find(({ name }) => name === 'bought')).toMatchObject({
    path: '/pricing?a=1',
    properties: { category: 'Plans', action: 'bought', name: 'pro', value: 9.5 },
  });
  expect(stored.find(({ name }) => name === 'outbound')).toMatchObject({
    path: '/pricing?a=1',
    properties: { url: 'https://other.example/' },
  });
  expect(stored.find(({ name }) => name === 'search')).toMatchObject({
    properties: { keyword: 'shoes', category: 'books' },
  });
});

it('stores the same activities of Matomo from its tables and from its API', async () => {
  await output(database, ['import', '--from', 'matomo', ...write(MATOMO)]);
  const stored = (await exported()).map(({ id }) => id);
  await output(database, ['import', '--from', 'matomo', ...write(MATOMO_LIVE)]);
  expect((await exported()).map(({ id }) => id)).toEqual(stored);
});

it('keeps what GA4 knows', async () => {
  const said = await output(database, ['import', '--from', 'ga4', ...write(GA4)]);
  expect(said).toContain('title of a page (1)');
  expect(said).toContain('city (6)');
  expect(await top('country')).toEqual({ DE: 3 });
  expect(await top('language')).toEqual({ 'de-DE': 3 });
  expect(await top('utmSource')).toEqual({ mail: 1 });
  expect(await top('utmMedium')).toEqual({ email: 1 });
  expect(await top('referrer')).toEqual({ null: 2, 'duckduckgo.com': 1 });
  expect(await top('system')).toEqual({ macOS: 3 });
  const stored = await exported();
  expect(stored.find(({ name }) => name === 'purchase')).toMatchObject({
    date: '2026-03-01T09:02:00.000Z',
    path: '/pricing',
    userId: '17',
    properties: { plan: 'pro', quantity: 3 },
  });
  expect(stored.find(({ name }) => name === 'engagement')).toMatchObject({ properties: { visible: 30_000 } });
});

it.each([
  [
    'plausible',
    csv('date,visitors,pageviews', [['2026-03-01', 3, 5]]),
    /dashboard export with totals only; .* events_v2 from Plausible's ClickHouse/,
  ],
  [
    'umami',
    csv('x,y', [['/', 5]]),
    /dashboard export with totals only; .* website_event, session and event_data from Umami/,
  ],
  [
    'ahoy',
    String(UMAMI['session.csv']),
    /none of the files of ahoy \(ahoy_visits, ahoy_events\): its rows have session_id, /,
  ],
])('refuses in one line what is of no use from %s', async (tool, content, reason) => {
  const [path = ''] = write({ 'other.csv': content });
  const { code, stdout, stderr } = await run(database, ['import', '--from', tool, path]);
  expect({ code, stdout, lines: stderr.split('\n').length }).toEqual({ code: 1, stdout: '', lines: 2 });
  expect(stderr).toMatch(reason);
});

it('keeps properties of ahoy that are JSON in JSON, and counts those that are no object', async () => {
  const rows = ['"{\\"plan\\":\\"pro\\"}"', '{"plan":"max"}', '""', '"none"', '[1]', 'null'];
  const paths = write({
    'events.csv': csv(
      'id,visit_id,user_id,name,properties,time',
      rows.map((properties, i) => [
        i,
        null,
        1,
        'bought',
        properties,
        `2026-03-01 09:0${i}:00 ${i % 2 ? 'UTC' : '+0100'}`,
      ]),
    ),
  });
  const said = await run(database, ['import', '--from', 'ahoy', ...paths]);
  expect(said.stderr).toBe('');
  expect(said.stdout).toBe(
    '6 rows read, 6 activities stored\nnot stored, because there is no column for it: properties (no object) (2)\n',
  );
  const stored = await exported();
  expect(stored.map(({ date, properties }) => [date, properties])).toEqual([
    ['2026-03-01T08:00:00.000Z', { plan: 'pro' }],
    ['2026-03-01T08:02:00.000Z', null],
    ['2026-03-01T08:04:00.000Z', null],
    ['2026-03-01T09:01:00.000Z', { plan: 'max' }],
    ['2026-03-01T09:03:00.000Z', null],
    ['2026-03-01T09:05:00.000Z', null],
  ]);
});

it('holds few files open at once', async () => {
  const [event = ''] = String(GA4['events.ndjson']).split('\n').slice(2);
  const names = Array.from({ length: 200 }, (_, i) => `events_${i}.ndjson`);
  const packed = gzipSync(`${event}\n`);
  const files = names.map((name, i) => [name, i % 2 ? packed : `${event}\n`]);
  const paths = write(Object.fromEntries(files));
  const { stdout, stderr } = await runProcess(database, ['import', '--from', 'ga4', ...paths], {
    limits: '-n 128',
  });
  expect([stderr, stdout]).toEqual([
    '',
    expect.stringMatching(/^200 rows read, 1 activities stored, 199 already there\n/),
  ]);
});

it('says what is to be given with --from', async () => {
  const [path = ''] = write({ 'session.csv': String(UMAMI['session.csv']) });
  expect((await run(database, ['import', path])).stderr).toMatch(
    /contains no activities: its rows have session_id, .*, but no date; they look like those of Umami: give --from umami\n$/,
  );
});

it('reports what is too large for the database, and stores the rest', async () => {
  const long = 'x'.repeat(3000);
  const [path = ''] = write({
    'events.csv': csv('id,visit_id,user_id,name,properties,time', [
      [
        1,
        null,
        1,
        `n${long}`,
        JSON.stringify({ url: `https://shop.example/${long}` }),
        '2026-03-01 09:00:00',
      ],
      [2, null, 1, 'big', JSON.stringify({ a: long, b: long }), '2026-03-01 09:00:00'],
      [3, 9, 1, 'lost', '{}', '2026-03-01 09:00:00'],
      [4, null, 1, 'never', '{}', 'yesterday'],
    ]),
  });
  const { code, stdout, stderr } = await run(database, ['import', '--from', 'ahoy', path]);
  expect(code).toBe(1);
  expect(stdout).toBe(
    '4 rows read, 2 activities stored, 2 refused\nnot stored, because there is no column for it: end of name (longer than 64 characters) (1), end of path (longer than 2048 characters) (1), properties (they must take at most 4096 bytes) (1)\n',
  );
  expect(stderr.split('\n')).toEqual([
    `djaffar: ${path}, row 3: visit 9 is in none of the files`,
    `djaffar: ${path}, row 4: date must be an ISO 8601 date and time of the years 1970 to 9999`,
    'djaffar: 2 of 4 rows could not be imported',
    '',
  ]);
});
