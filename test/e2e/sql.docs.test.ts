import type { QueryRunner } from 'typeorm';
import { VIEW_COLUMNS } from '../../lib/store/typeorm/activities.view.js';
import { Activity, ActivityStats, djaffarEntities, type ServerActivity, Session } from '../../lib/index.js';
import { FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import { queryOf, sectionOf, SQL_DOCS } from '../support/sql-docs.js';

const november = { from: '2026-11-01T00:00Z', to: '2026-12-01T00:00Z' };
const MINUTE = 60_000;
const AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
];

/** The first column of the table below a heading. */
function columnsOf(heading: string): string[] {
  return [...sectionOf(heading).matchAll(/^\| `(\w+)`/gm)].map(([, column]) => column ?? '');
}

/** Visits of forty sessions: pages, sources, a funnel, bots, and what is outside of November. */
function activities(): ServerActivity[] {
  return Array.from({ length: 40 }, (_, i): ServerActivity[] => {
    const start = Date.UTC(2026, 10, 2 + (i % 5), 9, i);
    const visitor = {
      session: `s${i}`,
      visit: `v${i}`,
      userAgent: AGENTS[i % 7 === 0 ? 2 : i % 3 === 0 ? 1 : 0] ?? '',
      ...(i % 4 === 0 && { user: { id: i % 8 === 0 ? 17 : i } }),
    };
    const at = (minute: number): Date => new Date(start + minute * MINUTE);
    const referer = i % 5 === 0 ? 'https://news.example/' : i % 2 === 0 ? 'https://www.search.example/' : '';
    const plan = i % 6 === 0 ? 'team' : 'pro';
    return [
      { ...visitor, path: i % 9 === 0 ? '/docs?x=1' : '/', date: at(0), ...(referer && { referer }) },
      ...(i % 2 === 0 ? [{ ...visitor, path: '/pricing/', date: at(1) }] : []),
      ...(i % 3 === 0
        ? [{ ...visitor, path: '/pricing', name: 'bought', date: at(2), properties: { plan, sum: i } }]
        : []),
      ...(i % 11 === 0 ? [{ ...visitor, path: '/', name: 'engagement', date: at(3) }] : []),
    ];
  })
    .flat()
    .concat({ path: '/', session: 's0', visit: 'october', date: '2026-10-20T09:00Z' });
}

it('docs/sql.md has the columns of the view and of the tables', () => {
  expect(columnsOf('The view `djaffar_activities`')).toEqual(Object.keys(VIEW_COLUMNS));
});

describe.each(FOUND)('the queries of docs/sql.md on %s', (database) => {
  let host: Host;
  let stats: ActivityStats;
  let runner: QueryRunner;

  beforeAll(async () => {
    host = await startHost({ adapter: 'fastify', database });
    stats = host.app.get(ActivityStats, { strict: false });
    await Promise.all(activities().map((activity) => host.activities.track(activity)));
    // What belongs to visits is there when the statistics are.
    await stats.overview(november);
    runner = host.dataSource.createQueryRunner();
    if (database === 'postgres') await runner.query(`SET TIME ZONE 'UTC'`);
    if (database === 'mariadb') await runner.query(`SET time_zone = '+00:00'`);
  });

  afterAll(async () => {
    await runner.release();
    await host.close();
  });

  /** Rows as arrays, with numbers as numbers, and dates as days or milliseconds. */
  async function ask(heading: string): Promise<unknown[][]> {
    const rows: object[] = await runner.query(queryOf(heading, database));
    return rows.map((row) =>
      Object.values(row).map((value: unknown) =>
        value instanceof Date
          ? value.getTime()
          : typeof value === 'string' && /^\d+(\.\d+)?$/.test(value)
            ? Number(value)
            : value,
      ),
    );
  }

  /** A day as each driver returns it: some as a date in the time zone of the process. */
  const dayOf = (value: unknown): string => {
    if (typeof value === 'string') return value.slice(0, 10);
    const date = new Date(Number(value));
    return [date.getFullYear(), date.getMonth() + 1, date.getDate()]
      .map((part) => `${part}`.padStart(2, '0'))
      .join('-');
  };

  it('are of tables with these columns', () => {
    for (const entity of [Activity, Session]) {
      const { tableName, columns } = host.dataSource.getMetadata(entity);
      expect(columnsOf(`\`${tableName}\``)).toEqual(columns.map(({ databaseName }) => databaseName));
    }
    const missing = djaffarEntities.map((entity) => host.dataSource.getMetadata(entity).tableName);
    expect(
      missing.filter((table) => /activity$|session$|key$/.test(table) && !SQL_DOCS.includes(`\`${table}\``)),
    ).toEqual([]);
  });

  it.each([
    ['Visits a day', 'visits'],
    ['Users a day', 'users'],
  ] as const)('%s', async (heading, measure) => {
    const days = new Map((await ask(heading)).map(([day, count]) => [dayOf(day), count]));
    const { points } = await stats.series(measure, 'day', november);
    expect(points.map(({ value }) => value)).toEqual(
      points.map(({ date }) => days.get(new Date(date).toISOString().slice(0, 10)) ?? 0),
    );
    expect(Math.max(...points.map(({ value }) => Number(value)))).toBeGreaterThan(1);
  });

  it.each([
    ['Top pages', () => stats.top('path', { ...november, measure: 'views' })],
    ['Top sources', () => stats.top('referrer', { ...november, measure: 'visits' })],
    ['Sessions by browser', () => stats.top('browser', { ...november, measure: 'sessions' })],
    [
      'What was bought, by a property',
      () => stats.top('property', { ...november, property: 'plan', name: 'bought', measure: 'activities' }),
    ],
  ] as const)('%s', async (heading, answer) => {
    const counted = (await answer()).items.flatMap(({ value, count }) =>
      value === null ? [] : [[value, count]],
    );
    expect(counted.length).toBeGreaterThan(1);
    expect(await ask(heading)).toEqual(counted);
  });

  it('Bounce rate', async () => {
    const { bounceRate } = await stats.overview(november);
    const [row] = await ask('Bounce rate');
    // MariaDB rounds an average.
    expect(Number(row?.[0])).toBeCloseTo(Number(bounceRate.value), 4);
    expect(bounceRate.value).toBeGreaterThan(0);
  });

  it('A funnel', async () => {
    const funnel = await stats.funnel([{ path: '/' }, { path: '/pricing' }, { name: 'bought' }], november);
    const counted = funnel.steps.map(({ visitors }) => visitors);
    expect(await ask('A funnel')).toEqual([counted]);
    expect(counted.at(-1)).toBeGreaterThan(1);
  });

  it("One user's history", async () => {
    const { items } = await host.activities.find({ user: '17' });
    expect((await ask("One user's history")).map(([, name, path]) => [name, path])).toEqual(
      items.map(({ name, path }) => [name, path]),
    );
    expect(items.length).toBeGreaterThan(3);
  });

  it('The latest activities', async () => {
    const { items } = await host.activities.find({}, { limit: 50 });
    expect((await ask('The latest activities')).map((row) => row.slice(2))).toEqual(
      items.map(({ name, path }) => [name, path]),
    );
  });
});
