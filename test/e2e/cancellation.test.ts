import { type ClientRequest, get } from 'node:http';
import { DataSource } from 'typeorm';
import { dialectOf } from '../../lib/database/dialects/dialect.js';
import { ActivityStats, type DjaffarOptions } from '../../lib/index.js';
import { readersOf, secondsOf } from '../support/child-processes.js';
import { createMigratedDatabase, type DatabaseName, type TestDatabase } from '../support/databases.js';
import { type Host, PAIRS, startHost } from '../support/host.js';
import { until } from '../support/until.js';

const open = { guards: [{ canActivate: () => true }] };
/** Milliseconds that no test waits for. */
const NEVER = 10_000_000;

const LOCK: Record<DatabaseName, string[]> = {
  postgres: ['BEGIN', 'LOCK TABLE djaffar_activity, djaffar_visit'],
  mariadb: ['LOCK TABLES djaffar_activity WRITE, djaffar_visit WRITE'],
  // Nobody can lock out a reader: each row takes for ever instead.
  sqlite: ['djaffar_activity', 'djaffar_visit'].flatMap((table) => [
    `ALTER TABLE ${table} RENAME TO ${table}_kept`,
    `CREATE VIEW ${table} AS SELECT * FROM ${table}_kept WHERE 0 < (WITH RECURSIVE numbers(n) AS (
       SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1e12) SELECT COUNT(*) FROM numbers)`,
  ]),
};

/** What the server is doing for others. */
const RUNNING: Record<'postgres' | 'mariadb', string> = {
  postgres: `SELECT query FROM pg_stat_activity WHERE datname = current_database() AND state = 'active'
    AND pid <> pg_backend_pid()`,
  mariadb: `SELECT info AS query FROM information_schema.processlist WHERE db = database()
    AND command = 'Query' AND id <> connection_id()`,
};

describe.each(PAIRS)('a question on $adapter and $database', ({ adapter, database: name }) => {
  let database: TestDatabase;
  let other: DataSource;
  let host: Host;

  async function start(statistics: DjaffarOptions['statistics']): Promise<void> {
    host = await startHost({
      adapter,
      database,
      djaffar: { api: open, dashboard: open, statistics: { maxWait: 60_000, ...statistics } },
    });
    await host.post({ date: new Date().toISOString(), path: '/' });
    await host.app.get(ActivityStats, { strict: false }).overview({ bots: true });
  }

  /** From now on every question takes for ever. */
  async function lock(): Promise<void> {
    const runner = other.createQueryRunner();
    for (const sql of LOCK[name]) await runner.query(sql);
  }

  /** `fetch` would open another connection when it is aborted, which keeps the host from closing. */
  function ask(route: string): ClientRequest {
    return get(`${host.url}/djaffar/${route}`, { agent: false });
  }

  async function leave(client: ClientRequest): Promise<void> {
    const left = new Promise((resolve) => client.once('close', resolve));
    client.on('error', () => {}).destroy();
    await left;
  }

  async function isRunning(): Promise<boolean> {
    if (name === 'sqlite') return readersOf().some((pid) => secondsOf(pid) > 0);
    return (await other.query<unknown[]>(RUNNING[name])).length > 0;
  }

  beforeEach(async () => {
    database = await createMigratedDatabase(name);
    other = await new DataSource(database.options).initialize();
  });

  afterEach(async () => {
    await host.app.close();
    await other.destroy();
    await database.drop();
  });

  it.each([
    'activities',
    'stats/overview?bots=true',
    'dashboard/data/activities/export?format=csv',
    'dashboard/data/stats/visits?bots=true',
  ])('is cancelled on the database when the client of %s has gone', async (route) => {
    await start({ timeout: NEVER, statementTimeout: NEVER });
    await lock();
    const client = ask(route);
    await until(isRunning);
    await leave(client);
    await until(async () => !(await isRunning()));
    expect((await host.fetch('/djaffar/track/')).status).toBe(405);
  });

  it('continues while a caller waits for it', async () => {
    await start({ timeout: NEVER, statementTimeout: NEVER });
    await lock();
    const clients = [ask('stats/overview?bots=true'), ask('stats/overview?bots=true')] as const;
    await until(isRunning);
    await leave(clients[0]);
    await until(isRunning);
    await leave(clients[1]);
    await until(async () => !(await isRunning()));
    expect((await host.fetch('/djaffar/track/')).status).toBe(405);
  });

  it.each(['activities', 'stats/overview?bots=true'])(
    'is cancelled after statementTimeout, and %s says what to narrow',
    async (route) => {
      await start({ statementTimeout: 1000 });
      await lock();
      const response = await host.fetch(`/djaffar/${route}`);
      expect(response.status).toBe(503);
      expect(await response.json()).toMatchObject({
        message: expect.stringMatching(
          /longer than 1000 ms \(statistics.statementTimeout\); ask for a shorter range/,
        ),
      });
      await until(async () => !(await isRunning()));
    },
  );

  it('is asked once for all who ask it at the same moment', async () => {
    await start({});
    const reading = jest.spyOn(dialectOf(host.dataSource), 'reading');
    const stats = host.app.get(ActivityStats, { strict: false });
    const from = '2026-02-01T00:00Z';
    const to = '2100-01-01T00:00Z';
    const answers = await Promise.all([
      stats.overview({ from, to, bots: true }),
      stats.overview({ to, bots: true, from, user: undefined }),
      stats.overview({ from, to }),
      stats.series('visits', 'month', { from, to, bots: true }),
    ]);
    expect(reading).toHaveBeenCalledTimes(3);
    reading.mockRestore();
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[1]).not.toBe(answers[0]);
    expect(answers[0].activities.value).toBe(1);
  });
});
