import { DataSource, type DataSourceOptions } from 'typeorm';
import { ActivityStats, djaffarEntities, djaffarMigrations } from '../../lib/index.js';
import { createDatabase, FOUND, type TestDatabase } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import { POSTGRES_BIN, PostgresServer } from '../support/postgres.js';

/** As a host may turn it on for all of its queries. */
const cache = { alwaysEnabled: true, duration: 6000 };
/** Milliseconds: longer than all that a test asks for right after a write. */
const DELAY = 20_000;

const november = { from: '2025-11-01T00:00Z', to: '2025-12-01T00:00Z' };

/** TypeORM does not run migrations while the cache that it is to make is on. */
async function prepare(options: DataSourceOptions): Promise<void> {
  const dataSource = new DataSource({
    ...options,
    cache: true,
    entities: djaffarEntities,
    migrations: djaffarMigrations,
  });
  await dataSource.initialize();
  await dataSource.queryResultCache?.synchronize();
  await dataSource.runMigrations();
  await dataSource.destroy();
}

function describeReads(start: () => Promise<Host>): void {
  let host: Host;
  let stats: ActivityStats;
  let queries: number;

  beforeAll(async () => {
    host = await start();
    stats = host.app.get(ActivityStats, { strict: false });
  });

  afterAll(() => host.close());

  beforeEach(() => {
    queries = 0;
    // The logger is told of each, whatever it writes.
    jest.spyOn(host.dataSource.logger, 'logQuery').mockImplementation(() => void (queries += 1));
  });

  afterEach(() => jest.restoreAllMocks());

  const track = (day: number, user = '17'): Promise<void> =>
    host.activities.track({
      date: `2025-11-${day}T10:00Z`,
      path: `/${day}`,
      user: { id: user },
      visit: `v${day}`,
      session: `s${day}`,
      properties: { day },
    });

  it('answers each question right after a write', async () => {
    for (const day of [10, 11, 12]) {
      await track(day);
      const count = day - 9;
      expect(await stats.overview(november)).toMatchObject({
        visits: { value: count },
        views: { value: count },
      });
      expect((await stats.top('path', november)).items).toHaveLength(count);
      expect((await stats.top('entry', november)).items).toHaveLength(count);
      expect((await stats.top('property', { ...november, property: 'day' })).items).toHaveLength(count);
      expect((await stats.visits(november)).items).toHaveLength(count);
      const range = { from: '2025-11-10T06:00Z', to: '2025-11-30T12:00Z' };
      expect((await stats.top('path', range)).items).toHaveLength(count);
      expect(await host.activities.count()).toBe(count);
      expect((await host.activities.find()).items).toHaveLength(count);
      let streamed = 0;
      for await (const { session } of host.activities.stream()) if (session) streamed += 1;
      expect(streamed).toBe(count);
    }
    expect(queries).toBeLessThan(700);
    expect(await host.rollup.check()).toEqual({
      visits: 0,
      sums: 0,
      pages: 0,
    });
  });

  it('erases what is there, once', async () => {
    await track(13, '18');
    await track(14, '18');
    await stats.overview(november);
    queries = 0;
    expect(await host.activities.erase({ user: '18' })).toBe(2);
    expect(queries).toBeLessThan(100);
    expect(await host.activities.count({ user: '18' })).toBe(0);
    expect(await stats.overview({ ...november, user: '18' })).toMatchObject({ visits: { value: 0 } });
    expect(await host.rollup.check()).toEqual({
      visits: 0,
      sums: 0,
      pages: 0,
    });
  });
}

describe.each(FOUND)('with a cache of all queries on %s', (name) => {
  let database: TestDatabase;

  describeReads(async () => {
    database = await createDatabase(name);
    await prepare(database.options);
    return startHost({
      adapter: 'fastify',
      database: { ...database, options: { ...database.options, cache } },
    });
  });

  afterAll(() => database.drop());
});

(POSTGRES_BIN ? describe : describe.skip)('with a replica that is behind, and one that is not', () => {
  let primary: PostgresServer;
  let standby: PostgresServer;

  describeReads(async () => {
    primary = await PostgresServer.create(POSTGRES_BIN ?? '');
    await prepare({ type: 'postgres', url: primary.url });
    standby = await primary.createStandby(DELAY);
    const { url } = primary;
    const slaves = [{ url: standby.url }, { url }];
    return startHost({
      adapter: 'fastify',
      database: {
        url,
        options: { type: 'postgres', replication: { master: { url }, slaves }, cache },
        drop: async () => {},
      },
    });
  });

  afterAll(async () => {
    await standby.remove();
    await primary.remove();
  });
});
