import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { map } from 'rxjs';
import { ActivityService, ActivityStats } from '../../lib/index.js';
import type { ActivityRow } from '../../lib/activity/activity-row.js';
import { Visit } from '../../lib/store/typeorm/statistics/rollup/tables/visit.entity.js';
import { output } from '../support/command.js';
import { AdaGuard, asAda, ask, DATA, open } from '../support/dashboard.js';
import { ADAPTERS, behindProxy, type Host, type HostOptions, startHost } from '../support/host.js';

const DATE = '2026-02-03T10:00:00.000Z';
const RANGE = 'from=2026-02-01T00:00Z&to=2026-02-08T00:00Z';
const QUESTION = { from: '2026-02-01T00:00Z', to: '2026-02-08T00:00Z' };
const at = (path: string): string => `/djaffar/dashboard/data/${path}`;

const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };

/** As hosts do that answer all in one form. */
const wrapping: HostOptions['configure'] = (app) =>
  void app.useGlobalInterceptors({
    intercept: (_, next) => next.handle().pipe(map((data: unknown) => ({ data }))),
  });

describe.each(ADAPTERS)('the data of the dashboard on %s', (adapter) => {
  let host: Host;
  let stats: ActivityStats;

  beforeEach(async () => {
    host = await startHost({
      adapter,
      djaffar: { api: { guards: [AdaGuard] }, dashboard: { guards: [AdaGuard], timeZone: 'Asia/Tokyo' } },
      configure: wrapping,
    });
    stats = host.app.get(ActivityStats, { strict: false });
  });

  afterEach(() => host.close());

  async function get(path: string): Promise<unknown> {
    const { status, body } = await ask(host, path);
    expect(status).toBe(200);
    return JSON.parse(body.toString());
  }

  it('has the results of ActivityService and ActivityStats, whatever interceptors the host has', async () => {
    await host.activities.track({ path: '/', date: DATE, session: 's', visit: 'v', user: { id: 17 } });
    const cases: [path: string, unknown][] = [
      [
        `stats/overview?${RANGE}&compareTo=previous`,
        await stats.overview(QUESTION, { compareTo: 'previous' }),
      ],
      [`stats/series?${RANGE}&measure=users&interval=day`, await stats.series('users', 'day', QUESTION)],
      [`stats/top?${RANGE}&dimension=path`, await stats.top('path', QUESTION)],
      [`stats/visits?${RANGE}&user=17`, await stats.visits({ ...QUESTION, user: '17' })],
      ['activities?user=17', await host.activities.find({ user: '17' })],
    ];
    // Each is asked at another moment.
    const asked: unknown = expect.any(String);
    for (const [path, expected] of cases)
      expect(await get(at(path))).toEqual(
        JSON.parse(JSON.stringify(expected), (key, value: unknown) => (key === 'asOf' ? asked : value)),
      );
    // The API is the host's to wrap.
    expect(await get('/djaffar/activities?user=17')).toEqual({ data: await get(at('activities?user=17')) });
  });

  it('is kept by no cache, nor is that of the API', async () => {
    const paths = DATA.flatMap(([method, path]) => (method === 'GET' ? [`/djaffar/dashboard${path}`] : []));
    for (const path of [...paths, '/djaffar/activities', '/djaffar/stats/overview']) {
      const answer = await open(host, path);
      answer.destroy();
      expect([path, answer.headers['cache-control']]).toEqual([path, expect.stringMatching(/^no-store/)]);
    }
  });

  it('answers 400 to what it does not understand, and names it', async () => {
    for (const [path, property] of [
      ['stats/overview?color=red', 'color'],
      ['activities?limit=0', 'limit'],
      ['activities/export', 'format'],
      ['activities/export?format=xml', 'format'],
      ['activities/export?format=csv&after=there', 'after'],
      ['activities/export?format=csv&limit=1', 'limit'],
      ['activities/export?format=csv&from=yesterday', 'from'],
      ['activities/export?format=csv&user=', 'user'],
    ] as const) {
      const { status, headers, body } = await ask(host, at(path));
      expect([path, status, headers['content-disposition']]).toEqual([path, 400, undefined]);
      expect(body.toString()).toContain(property);
    }
  });

  it('tells what the page has to know', async () => {
    const about = { version, user: 'ada', tracker: '../tracker.js', timeZone: 'Asia/Tokyo', health: true };
    expect(await get(at('about'))).toEqual({ ...about, since: null });
    await host.activities.track({ path: '/' });
    await host.activities.track({ path: '/', date: DATE });
    expect(await get(at('about'))).toEqual({ ...about, since: DATE });
  });

  it.each([
    // The command's file begins with a byte order mark too, its standard output does not.
    ['csv', 'text/csv; charset=utf-8', '\ufeff'],
    ['ndjson', 'application/x-ndjson', ''],
  ])('is exported as %s, as by the command line', async (format, type, mark) => {
    const fields = { date: DATE, session: 's', visit: 'v', userAgent: 'curl/8' };
    for (const path of ['/', '=1+1', '"a",\r\nb', '🦋'])
      await host.activities.track({ ...fields, path, properties: { path } });
    await host.activities.track({ path: '/other', name: 'bought' });
    for (const [query, args] of [
      ['', []],
      ['&name=nothing', ['--name', 'nothing']],
    ] as const) {
      const { headers, body } = await ask(host, at(`activities/export?format=${format}${query}`));
      expect(headers).toMatchObject({
        'content-type': type,
        'content-disposition': `attachment; filename="activities.${format}"`,
      });
      const written = await output(host.database, ['export', '--format', format, ...args]);
      expect(body.toString()).toBe(mark + written);
    }
  });

  describe('is erased', () => {
    const erase = (query: string, headers = {}): ReturnType<typeof ask> =>
      ask(host, at(`activities${query}`), { ...asAda, ...headers }, 'DELETE');

    beforeEach(async () => {
      for (const [i, user] of ['17', '17', '18'].entries())
        await host.activities.track({
          path: `/${i}`,
          date: DATE,
          user: { id: user },
          session: user,
          visit: user,
        });
    });

    it('with what statistics name', async () => {
      await stats.overview(QUESTION);
      const visits = host.dataSource.getRepository(Visit);
      expect(await visits.countBy({ userId: '17' })).toBe(1);
      const { status, body } = await erase('?user=17');
      expect([status, JSON.parse(body.toString())]).toEqual([200, { erased: 2 }]);
      expect(await host.stored()).toMatchObject([{ userId: '18' }]);
      expect(await visits.find()).toMatchObject([{ userId: '18' }]);
    });

    it('with or without what the user did before logging in', async () => {
      await host.activities.track({ path: '/before', date: DATE, session: '17', visit: '17' });
      const { body } = await erase('?user=17&keepAnonymous=true');
      expect(JSON.parse(body.toString())).toEqual({ erased: 2 });
    });

    it.each(['', '?user=', '?color=red', '?user=17&limit=1', '?user=17&keepAnonymous=1', '?from=yesterday'])(
      'not by the filter "%s"',
      async (query) => {
        expect((await erase(query)).status).toBe(400);
        expect(await host.stored()).toHaveLength(3);
      },
    );

    it('by what is no browser, and by the page itself', async () => {
      const { port } = new URL(host.url);
      for (const headers of [
        {},
        { 'Sec-Fetch-Site': 'same-origin', Origin: 'null' },
        { 'Sec-Fetch-Site': 'none' },
        { Origin: host.url },
        // A proxy speaks HTTPS for the host.
        { Origin: `https://127.0.0.1:${port}` },
        { Origin: 'https://shop.example', Host: 'shop.example:443' },
        { Origin: 'https://shop.example', Host: 'Shop.Example' },
      ])
        expect([headers, (await erase('?user=17', headers)).status]).toEqual([headers, 200]);
    });

    it('not by the page of another site', async () => {
      for (const headers of [
        { 'Sec-Fetch-Site': 'cross-site' },
        { 'Sec-Fetch-Site': 'same-site' },
        { 'Sec-Fetch-Site': 'cross-site', Origin: host.url },
        { 'Sec-Fetch-Site': '' },
        { Origin: 'null' },
        { Origin: '' },
        { Origin: 'http://127.0.0.1:1' },
        { Origin: 'https://shop.example' },
        { Origin: 'https://shop.example', 'X-Forwarded-Host': 'shop.example' },
        { Origin: 'https://shop.example.evil', Host: 'shop.example' },
        { Origin: 'shop.example', Host: 'shop.example' },
      ])
        expect([headers, (await erase('?user=17', headers)).status]).toEqual([headers, 403]);
      expect(await host.stored()).toHaveLength(3);
      expect((await ask(host, at('about'), { ...asAda, 'Sec-Fetch-Site': 'cross-site' })).status).toBe(200);
    });
  });

  it('is erased by the page behind a proxy that the host believes', async () => {
    const other = await startHost({
      adapter,
      djaffar: { dashboard: { guards: [AdaGuard] } },
      ...behindProxy(adapter),
    });
    try {
      const headers = { ...asAda, Origin: 'https://shop.example', 'X-Forwarded-Host': 'shop.example' };
      expect((await ask(other, at('activities?user=17'), headers, 'DELETE')).status).toBe(200);
      headers.Origin = 'https://evil.example';
      expect((await ask(other, at('activities?user=17'), headers, 'DELETE')).status).toBe(403);
    } finally {
      await other.close();
    }
  });
});

/** With so many pages of 2,000 activities, each of 4 KiB. */
async function fill(host: Host, pages: number): Promise<void> {
  const path = '/'.padEnd(2048, 'x');
  await host.activities.track({ path, referer: path, date: DATE });
  await host.dataSource.query(
    `INSERT INTO djaffar_activity (id, date, receivedAt, name, path, referer)
     WITH RECURSIVE number(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < ${pages * 2000 - 1})
     SELECT printf('00000000-0000-7000-8000-%012d', i), date + i, receivedAt, name, path, referer
     FROM number, djaffar_activity`,
  );
}

describe.each(ADAPTERS)('an export of many activities on %s', (adapter) => {
  const PAGES = 8;
  const PATH = at('activities/export?format=ndjson');
  let host: Host;
  /** How many pages were read by each export, and when it was over. */
  let exports: { read: number; isOver: Promise<void> }[];

  beforeEach(async () => {
    host = await startHost({ adapter, djaffar: { dashboard: { guards: [AdaGuard] } } });
    await fill(host, PAGES);
    exports = [];
    // What a request without a scope asks.
    const service = host.app.get(ActivityService, { strict: false }).scoped({});
    const pages = service.pages.bind(service);
    service.pages = async function* (...asked): AsyncGenerator<ActivityRow[], void, void> {
      let end = (): void => {};
      const one = { read: 0, isOver: new Promise<void>((resolve) => (end = resolve)) };
      exports.push(one);
      try {
        for await (const page of pages(...asked)) {
          one.read += 1;
          yield page;
        }
      } finally {
        end();
      }
    };
  });

  afterEach(() => host.close());

  it('reads no faster than the client, and stops if the client disconnects', async () => {
    const response = await open(host, PATH);
    response.destroy();
    await exports[0]?.isOver;
    expect(exports[0]?.read).toBeLessThan(PAGES);
    // And all of it by one who stays.
    const lines = (await ask(host, PATH)).body.toString().split('\n');
    expect(lines).toHaveLength(PAGES * 2000 + 1);
    expect(exports[1]?.read).toBe(PAGES);
  });

  it('breaks the connection if the database fails, so that it is not taken for complete', async () => {
    const response = await open(host, PATH);
    await host.dataSource.query('ALTER TABLE djaffar_activity RENAME TO away');
    await expect(text(response)).rejects.toThrow('aborted');
    await exports[0]?.isOver;
    expect(exports[0]?.read).toBeLessThan(PAGES);
    expect((await ask(host, PATH)).status).toBe(503);
  });
});
