import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { DataSource, type QueryRunner } from 'typeorm';
import { ActivityStats, djaffarEntities, djaffarMigrations, UnavailableError } from '../../lib/index.js';
import { monotonicClock } from '../../lib/time/clock.js';
import { FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';
import { POSTGRES_BIN, PostgresServer } from '../support/postgres.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

/** Milliseconds after which the standby applies a commit. */
const DELAY = 300;
const MAX_WAIT = 3000;

const november = { from: '2025-11-01', to: '2025-11-30' };

it.each(FOUND.filter((name) => name !== 'postgres'))('standbys of %s are refused', async (database) => {
  await expect(
    startHost({ adapter: 'fastify', database, djaffar: { statistics: { replica: true } } }),
  ).rejects.toThrow('the option "statistics.replica" is true, which only PostgreSQL supports');
});

(POSTGRES_BIN ? describe : describe.skip)('questions on a standby', () => {
  let primary: PostgresServer;
  let standby: PostgresServer;
  let proxy: TcpProxy;
  let host: Host;
  let stats: ActivityStats;
  let expected = 0;
  /** How many statements each has got. */
  let asked = { master: 0, slave: 0 };
  /** How many statements the standby has got that do not only ask for its position in the log. */
  const counted = { questions: 0 };
  let skipped = 0;

  beforeAll(async () => {
    primary = await PostgresServer.create(POSTGRES_BIN ?? '');
    const options = { type: 'postgres', entities: djaffarEntities, migrations: djaffarMigrations } as const;
    const dataSource = await new DataSource({ ...options, url: primary.url }).initialize();
    await dataSource.runMigrations();
    await dataSource.destroy();
    standby = await primary.createStandby(DELAY);
    proxy = await TcpProxy.start(standby.url);
    const { url } = primary;
    const behindProxy = new URL(standby.url);
    behindProxy.port = String(proxy.port);
    const slaves = [{ url: behindProxy.href }];
    host = await startHost({
      adapter: 'fastify',
      database: {
        url,
        options: { type: 'postgres', replication: { master: { url }, slaves } },
        drop: async () => {},
      },
      djaffar: { statistics: { replica: true, maxWait: MAX_WAIT, timeout: 240_000 } },
    });
    stats = host.app.get(ActivityStats, { strict: false });
    const { logger } = host.dataSource;
    jest.spyOn(logger, 'logQuery').mockImplementation((sql, _parameters, runner?: QueryRunner) => {
      const mode = runner?.getReplicationMode() ?? 'master';
      asked[mode] += 1;
      if (mode === 'slave' && !sql.includes('pg_last_wal_replay_lsn')) counted.questions += 1;
    });
    const now = monotonicClock.now.bind(monotonicClock);
    jest.spyOn(monotonicClock, 'now').mockImplementation(() => now() + skipped);
  });

  beforeEach(async () => {
    // What one test had passed over, the next asks again.
    for (counted.questions = 0; counted.questions === 0; skipped += 11_000) {
      // The time that is skipped would count as its delay.
      await replayed();
      await visits();
    }
    asked = { master: 0, slave: 0 };
  });

  afterAll(async () => {
    jest.restoreAllMocks();
    await host.close();
    await proxy.close();
    await standby.remove();
    await primary.remove();
  });

  /** Resolves when the standby has replayed what the primary has written. */
  async function replayed(): Promise<void> {
    const [position] = await query('SELECT pg_current_wal_lsn()::text', primary.url);
    const isReplayed = `SELECT pg_last_wal_replay_lsn() >= '${String(position)}'::pg_lsn`;
    await until(async () => (await query(isReplayed)).includes(true));
  }

  async function track(): Promise<void> {
    await host.activities.track({
      date: '2025-11-10T10:00Z',
      path: '/',
      visit: `v${expected}`,
      session: randomUUID(),
    });
    expected += 1;
  }

  async function visits(): Promise<{ value: number | null; asOf: string }> {
    const { visits: found, asOf } = await stats.overview(november);
    return { value: found.value, asOf };
  }

  async function exported(): Promise<number> {
    let count = 0;
    for await (const { session } of host.activities.stream()) if (session) count += 1;
    return count;
  }

  async function query(sql: string, url = standby.url): Promise<unknown[]> {
    const client = new pg.Client(url);
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>(sql);
    await client.end();
    return rows.flatMap((row) => Object.values(row));
  }

  /** A question that waits on the standby, because the primary's log holds a lock there. */
  async function startBlocked(): Promise<{ holder: pg.Client; asking: ReturnType<typeof visits> }> {
    const holder = new pg.Client(primary.url);
    await holder.connect();
    await holder.query('BEGIN');
    await holder.query('LOCK TABLE djaffar_visit IN ACCESS EXCLUSIVE MODE');
    // The log gets to the standby when something is committed.
    await query('SELECT pg_current_xact_id()', primary.url);
    const locks = async (isGranted: boolean): Promise<number> => {
      const table = `relation = 'djaffar_visit'::regclass AND granted = ${isGranted}`;
      const [count] = await query(`SELECT count(*)::int FROM pg_locks WHERE ${table}`);
      return Number(count);
    };
    await until(async () => (await locks(true)) > 0);
    const asking = visits();
    await until(async () => (await locks(false)) > 0);
    return { holder, asking };
  }

  it('have what was committed before', async () => {
    for (let i = 0; i < 3; i++) {
      await track();
      const before = Date.now();
      const { value, asOf } = await visits();
      expect(value).toBe(expected);
      expect(Date.parse(asOf)).toBeGreaterThanOrEqual(before);
      expect((await stats.top('path', november)).items).toEqual([{ value: '/', count: expected }]);
      expect((await stats.top('entry', november)).items).toEqual([{ value: '/', count: expected }]);
      expect((await stats.visits(november)).items).toHaveLength(expected);
      expect(await exported()).toBe(expected);
    }
    expect(asked.slave).toBeGreaterThan(30);
  });

  it('have everything when the primary has begun a new file of its log, with no record yet', async () => {
    expect((await visits()).value).toBe(expected);
    // PostgreSQL itself may write a record, but not so often.
    for (let i = 0; i < 3; i++) {
      await query('SELECT pg_switch_wal()', primary.url);
      const before = Date.now();
      const { value, asOf } = await visits();
      expect(value).toBe(expected);
      expect(Date.parse(asOf)).toBeGreaterThanOrEqual(before);
    }
  });

  it('are answered by the primary if the standby cancels them to replay the log', async () => {
    const failed = jest.spyOn(host.dataSource.logger, 'logQueryError').mockImplementation();
    expect((await visits()).value).toBe(expected);
    await query('ALTER SYSTEM SET max_standby_streaming_delay = 0');
    await query('SELECT pg_reload_conf()');
    const { holder, asking } = await startBlocked();
    const [read] = await query(
      `SELECT relname FROM pg_locks JOIN pg_class ON pg_class.oid = relation
       WHERE relkind = 'r' AND relname LIKE 'djaffar%' AND granted AND pid = (SELECT pid FROM pg_locks WHERE NOT granted LIMIT 1) LIMIT 1`,
    );
    await query(`DO $$ BEGIN LOCK TABLE ${String(read)} IN ACCESS EXCLUSIVE MODE; END $$`, primary.url);
    await holder.query('ROLLBACK');
    await holder.end();
    expect((await asking).value).toBe(expected);
    expect(failed.mock.calls.map(([error]) => String(error)).join()).toContain('conflict with recovery');
    await query('ALTER SYSTEM RESET max_standby_streaming_delay');
    await query('SELECT pg_reload_conf()');
  });

  it('answer as of the moment of the standby if it is behind for longer than maxWait', async () => {
    await track();
    const before = await visits();
    expect(before.value).toBe(expected);
    await query('SELECT pg_wal_replay_pause()');
    await track();
    const written = Date.now();
    const { value, asOf } = await visits();
    expect(value).toBe(expected - 1);
    expect(asOf >= before.asOf).toBe(true);
    expect(Date.parse(asOf)).toBeLessThan(written);
    // An export is complete.
    expect(await exported()).toBe(expected);
    // Far behind.
    skipped += 31_000;
    expect((await visits()).value).toBe(expected);
    const ended = monotonicClock.now();
    expect((await visits()).value).toBe(expected);
    expect(monotonicClock.now() - ended).toBeLessThan(MAX_WAIT);
    await query('SELECT pg_wal_replay_resume()');
  });

  it('are answered by the primary if the standby is silent', async () => {
    expect((await visits()).value).toBe(expected);
    proxy.silence();
    await track();
    expect((await visits()).value).toBe(expected);
    expect(await exported()).toBe(expected);
    proxy.heal();
  });

  it('are answered by the primary if the standby becomes silent meanwhile', async () => {
    expect((await visits()).value).toBe(expected);
    const { holder, asking } = await startBlocked();
    proxy.silence();
    await holder.query('ROLLBACK');
    await holder.end();
    const { value } = await asking;
    proxy.heal();
    expect(value).toBe(expected);
  });

  it('are answered by the primary if the standby is killed, and by the standby when it is back', async () => {
    expect((await visits()).value).toBe(expected);
    await standby.stop();
    await track();
    asked.slave = 0;
    expect((await visits()).value).toBe(expected);
    expect(await exported()).toBe(expected);
    expect(asked.slave).toBe(0);
    await standby.start();
    await track();
    // A connection that is being opened to a silent standby ends after five seconds.
    for (; asked.slave === 0; skipped += 11_000) expect((await visits()).value).toBe(expected);
  });

  it('are answered as of the last moment that is known while the primary is down', async () => {
    await track();
    const before = await visits();
    expect(before.value).toBe(expected);
    const stopped = Date.now();
    await primary.stop();
    for (const minutes of [0, 10]) {
      skipped += minutes * 60_000;
      const { value, asOf } = await visits();
      expect(value).toBe(expected);
      expect(asOf >= before.asOf && Date.parse(asOf) <= stopped).toBe(true);
      const { items } = await stats.top('path', { ...november, measure: 'visits' });
      expect(items).toMatchObject([{ value: '/' }]);
    }
    // An export is complete, or fails.
    await expect(exported()).rejects.toThrow(UnavailableError);
    await primary.start();
    await track();
    expect((await visits()).value).toBe(expected);
  });

  it('are answered by any of several standbys, if the others are killed', async () => {
    const second = await primary.createStandby(0);
    const { url } = primary;
    const slaves = [{ url: standby.url }, { url: second.url }];
    const other = await startHost({
      adapter: 'fastify',
      database: {
        url,
        options: { type: 'postgres', replication: { master: { url }, slaves } },
        drop: async () => {},
      },
      djaffar: { statistics: { replica: true, maxWait: MAX_WAIT, timeout: 240_000 } },
    });
    try {
      const statements = { master: 0, slave: 0 };
      jest
        .spyOn(other.dataSource.logger, 'logQuery')
        .mockImplementation((_query, _parameters, runner?: QueryRunner) => {
          statements[runner?.getReplicationMode() ?? 'master'] += 1;
        });
      const otherStats = other.app.get(ActivityStats, { strict: false });
      for (const killed of [standby, second]) {
        await killed.stop();
        await track();
        // The position of the killed one is asked for once more before it is passed over.
        for (statements.slave = 0; statements.slave < 5;)
          expect((await otherStats.overview(november)).visits.value).toBe(expected);
        await killed.start();
        skipped += 11_000;
      }
    } finally {
      await other.close();
      await second.remove();
    }
  });

  it('are answered by the primary if the standby was promoted', async () => {
    await query('SELECT pg_promote()');
    await track();
    expect((await visits()).value).toBe(expected);
    expect(await exported()).toBe(expected);
  });
});
