import { DataSource } from 'typeorm';
import { ActivityStats, djaffarEntities, djaffarMigrations } from '../../lib/index.js';
import { createDatabase, createMigratedDatabase, FOUND, type TestDatabase } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import {
  findVersions,
  readReleased,
  readTables,
  recordMigrations,
  recordWrites,
  restore,
  send,
  writeReleased,
} from '../support/upgrade.js';

/** `DJAFFAR_RECORD_VERSION=0.2.0` records the databases of the version that is going to be released. */
const { DJAFFAR_RECORD_VERSION: RECORDED } = process.env;

const RANGE = { from: '2026-02-01T00:00Z', to: '2026-03-01T00:00Z', timeZone: 'Europe/Berlin' };
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0';
const BOT = 'Googlebot/2.1 (+http://www.google.com/bot.html)';

/** Tracks two visitors who return, one of whom logs in, and a bot. */
async function trackDays({ activities }: Host, days: number[]): Promise<void> {
  for (const day of days) {
    const date = (minute: number): Date => new Date(Date.UTC(2026, 1, day, 9, minute));
    const [ada, anonymous] = ['ada', 'anonymous'].map((session) => ({
      session,
      visit: `${session}-${day}`,
      userAgent: FIREFOX,
      country: session === 'ada' ? 'DE' : undefined,
      language: 'de-AT',
    }));
    const user = { id: 17, name: 'Ada 🦋' };
    await activities.track({
      ...ada,
      date: date(0),
      path: '/?utm_source=mail',
      referer: 'https://a.example/',
    });
    await activities.track({ ...ada, date: date(1), path: '/pricing?plan=pro', ip: '203.0.113.7', user });
    await activities.track({
      ...ada,
      date: date(2),
      name: 'order.paid',
      path: '/pay',
      route: '/pay/:id',
      subject: ['order', day],
      group: { type: 'company', id: 'a', name: 'A' },
      properties: { total: 12.5, plan: 'pro', nested: { a: [1, null] } },
      user,
    });
    await activities.track({ ...anonymous, date: date(30), path: '/' });
    await activities.track({
      session: 'bot',
      visit: `bot-${day}`,
      userAgent: BOT,
      date: date(40),
      path: '/',
    });
  }
}

/** Asks every question, and returns all activities. */
async function ask(host: Host): Promise<unknown> {
  const stats = host.app.get(ActivityStats, { strict: false });
  const answers = [
    await stats.overview(RANGE),
    await stats.series('visits', 'day', RANGE),
    await stats.series('sum(total)', 'week', RANGE),
    await stats.top('path', RANGE),
    await stats.top('name', RANGE),
    await stats.top('browser', { ...RANGE, measure: 'users' }),
    await stats.top('country', RANGE),
    await stats.top('utmSource', RANGE),
    await stats.top('referrer', RANGE),
    await stats.funnel([{ path: '/' }, { name: 'order.paid' }], RANGE),
    await stats.retention({ ...RANGE, period: 'week' }),
    await stats.journeys({ ...RANGE, start: '/' }),
    await stats.visits(RANGE),
    await host.activities.find({}, { limit: 100, order: 'asc' }),
  ];
  const text = JSON.stringify(answers, (key, value: unknown) =>
    key === 'asOf' || key === 'receivedAt' || key === 'cursor' || key === 'next' ? undefined : value,
  );
  return JSON.parse(text);
}

describe.each(FOUND)('a database of an older version on %s', (name) => {
  let database: TestDatabase;
  let dataSource: DataSource;

  async function connect(): Promise<void> {
    const { options } = database;
    const all = { ...options, entities: djaffarEntities, migrations: djaffarMigrations };
    dataSource = await new DataSource(all).initialize();
  }

  beforeEach(async () => {
    database = await createDatabase(name);
    await connect();
  });

  afterEach(async () => {
    await dataSource.destroy();
    await database.drop();
  });

  /** Columns and indexes, in no order. */
  async function schema(): Promise<unknown> {
    // TypeORM looks generated columns up in it.
    if (name === 'mariadb')
      await dataSource.query(
        'CREATE TABLE IF NOT EXISTS typeorm_metadata (type text, `database` text, `schema` text, `table` text, name text, value text)',
      );
    const runner = dataSource.createQueryRunner();
    const tables = await runner.getTables(dataSource.entityMetadatas.map(({ tableName }) => tableName));
    await runner.release();
    return tables
      .map(({ name: full, columns, indices }) => ({
        table: full.split('.').pop(),
        columns: columns
          .map(({ name: column, type, length, isNullable }) => `${column} ${type} ${length} ${isNullable}`)
          .sort(),
        indexes: indices.map((index) => `${index.name} ${index.columnNames.join()}`).sort(),
      }))
      .sort((a, b) => String(a.table).localeCompare(String(b.table)));
  }

  if (RECORDED) {
    it('is recorded', async () => {
      const migrations = await recordMigrations(dataSource);
      const host = await startHost({
        adapter: 'express',
        database,
        djaffar: { statistics: { background: false } },
      });
      try {
        await trackDays(host, [2, 3, 10]);
        const before = await ask(host);
        // Some of it is not in the statistics yet.
        await trackDays(host, [4]);
        const tables = await readTables(dataSource);
        const writes = recordWrites(host.dataSource);
        await trackDays(host, [11, 20]);
        const sent = writes();
        expect(sent.length).toBeGreaterThan(0);
        writeReleased(RECORDED, name, {
          migrations,
          tables,
          writes: sent,
          answers: { before, after: await ask(host) },
        });
      } finally {
        await host.close();
      }
    });
    return;
  }

  describe.each(findVersions(name))('%s', (released) => {
    it('has the tables of a new one after the migrations', async () => {
      await restore(dataSource, readReleased(released, name));
      await dataSource.runMigrations();
      const upgraded = await schema();
      await dataSource.destroy();
      const fresh = await createMigratedDatabase(name);
      const old = database;
      database = fresh;
      await connect();
      expect(upgraded).toEqual(await schema());
      await old.drop();
    });

    it('gives the same answers, also with what an old instance stores after the migrations', async () => {
      const { writes, answers, ...old } = readReleased(released, name);
      await restore(dataSource, { writes, answers, ...old });
      await dataSource.runMigrations();
      const host = await startHost({ adapter: 'express', database });
      try {
        await send(dataSource, writes);
        expect(await ask(host)).toMatchObject(answers.after as object);
        await host.post({ date: new Date().toISOString(), path: '/' });
        expect(await host.activities.count()).toBe((await host.stored()).length);
      } finally {
        await host.close();
      }
    });
  });
});
