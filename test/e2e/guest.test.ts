import { randomUUID } from 'node:crypto';
import { EventEmitter, once } from 'node:events';
import type { IncomingMessage, Server } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { ExecutionContext } from '@nestjs/common';
import { DataSource, type QueryRunner } from 'typeorm';
import { dialectOf } from '../../lib/database/dialects/dialect.js';
import { connectionsOf } from '../../lib/database/connections.js';
import { driverOf } from '../../lib/database/driver.js';
import { ActivityWriter } from '../../lib/activity/activity.writer.js';
import {
  ActivityStats,
  djaffarEntities,
  djaffarMigrations,
  DjaffarModule,
  type StoredActivity,
} from '../../lib/index.js';
import { DailyCount } from '../../lib/store/typeorm/statistics/rollup/tables/rollups.entity.js';
import { DatabaseUser } from '../support/database-user.js';
import { createMigratedDatabase, type DatabaseName, FOUND, type TestDatabase } from '../support/databases.js';
import { ADAPTERS, type Host, type HostOptions, startHost } from '../support/host.js';
import { TypeOrmStore } from '../../lib/store/typeorm/typeorm.store.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const date = '2026-02-03T04:05:06.789Z';
/** Milliseconds, of the writer. */
const TIMEOUT = 2000;
/** More, for a machine that is busy. */
const SLACK = 4000;

const LOCK: Partial<Record<DatabaseName, string>> = {
  postgres: 'LOCK TABLE djaffar_activity',
  mariadb: 'LOCK TABLES djaffar_activity WRITE',
};

/** The connections that wait for it. */
const WAITING: Partial<Record<DatabaseName, string>> = {
  postgres: `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  mariadb: `SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND state LIKE 'Waiting for table%lock'`,
};

/** Makes the connection that it is asked on refuse writes. */
const READ_ONLY: Partial<Record<DatabaseName, string>> = {
  postgres: 'SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY',
  mariadb: 'SET SESSION TRANSACTION READ ONLY',
};

const SETTINGS: Partial<Record<DatabaseName, string>> = {
  postgres: `SELECT current_setting('lock_timeout'), current_setting('statement_timeout') AS statement, current_setting('idle_in_transaction_session_timeout') AS idle`,
  mariadb: 'SELECT @@innodb_lock_wait_timeout, @@max_statement_time, @@wait_timeout, @@lock_wait_timeout',
};
const BOUNDED: Partial<Record<DatabaseName, string[]>> = {
  postgres: ['2s', '30s', '10s'],
  mariadb: ['2', '30', '10', '2'],
};

const SERVERS = FOUND.filter((name) => name !== 'sqlite');

/** How many connections of the pool are used, or waited for. */
function taken({ driver }: DataSource): number {
  const pg: { totalCount: number; idleCount: number; waitingCount: number } | undefined = Reflect.get(
    driver,
    'master',
  );
  if (pg) return pg.totalCount - pg.idleCount + pg.waitingCount;
  const pool: object = Reflect.get(driver, 'pool');
  const [all, free, queue] = ['_allConnections', '_freeConnections', '_connectionQueue'].map(
    (name) => (Reflect.get(pool, name) as { length: number }).length,
  );
  return (all ?? 0) - (free ?? 0) + (queue ?? 0);
}

/** For questions beside what the runner does. */
function operatorOf(runner: QueryRunner): DataSource {
  return runner.connection;
}

function rowOf(path: string): StoredActivity {
  const now = new Date(date);
  const fields = { name: 'view', path, route: null, referer: null, properties: null, interactive: null };
  const nobody = {
    userId: null,
    userName: null,
    groupId: null,
    groupName: null,
    subject: null,
    sessionId: null,
    visitId: null,
  };
  return { id: randomUUID(), date: now, receivedAt: now, ...fields, ...nobody, ipAddress: null };
}

async function milliseconds(work: () => Promise<unknown>): Promise<number> {
  const begun = performance.now();
  await work();
  return performance.now() - begun;
}

const ofServers =
  SERVERS.length > 0 ? describe.each(SERVERS) : describe.skip.each<DatabaseName>(['postgres']);

ofServers('as a guest of a host on %s', (name) => {
  let database: TestDatabase;
  let host: Host;
  let cleanUp: (() => Promise<unknown>)[];

  beforeEach(async () => {
    cleanUp = [];
    database = await createMigratedDatabase(name);
    cleanUp.push(() => database.drop());
  });

  afterEach(async () => {
    for (const each of cleanUp.toReversed()) await each();
  });

  async function start(options: object, more: Partial<HostOptions> = {}): Promise<void> {
    host = await startHost({
      ...more,
      adapter: 'fastify',
      database: { ...database, options: { ...database.options, ...options } as TestDatabase['options'] },
      djaffar: { writer: { timeout: TIMEOUT }, statistics: { maxWait: 1000 }, ...more.djaffar },
    });
    cleanUp.push(() => host.close());
  }

  async function lock(): Promise<QueryRunner> {
    const other = await new DataSource(database.options).initialize();
    const runner = other.createQueryRunner();
    cleanUp.push(() => other.destroy());
    if (name === 'postgres') await runner.startTransaction();
    await runner.query(LOCK[name] ?? '');
    return runner;
  }

  async function unlock(runner: QueryRunner): Promise<void> {
    await runner.query(name === 'postgres' ? 'ROLLBACK' : 'UNLOCK TABLES');
  }

  async function latinDatabase(): Promise<string> {
    const latin = `${accessOf(database).database}_latin`;
    const other = await new DataSource(database.options).initialize();
    cleanUp.push(() => other.destroy());
    await other.query(`CREATE DATABASE ${latin} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`);
    cleanUp.push(() => other.query(`DROP DATABASE ${latin} WITH (FORCE)`));
    const url = new URL(database.url);
    url.pathname = latin;
    return url.href;
  }

  function post(count: number): Promise<number[]> {
    return Promise.all(
      Array.from({ length: count }, async () => (await host.post({ date, path: '/' })).status),
    );
  }

  it.each([1, 2])('a table that is locked for long does not lock a pool of %s', async (poolSize) => {
    const lines: string[] = [];
    const log = (line: unknown): void => {
      if (String(line).includes('cannot be stored')) lines.push(String(line));
    };
    await start({ poolSize }, { application: { logger: { log, warn: log, error: log } } });
    const runner = await lock();
    for (let i = 0; i < 3; i++) {
      const answers = post(5);
      const asked = await milliseconds(() => host.dataSource.query('SELECT 1'));
      expect(asked).toBeLessThan(TIMEOUT + SLACK);
      expect(await answers).toEqual([503, 503, 503, 503, 503]);
    }
    await unlock(runner);
    expect(await post(5)).toEqual([204, 204, 204, 204, 204]);
    expect(await host.stored()).toHaveLength(5);
    expect(lines.at(0)).toMatch(/^activities cannot be stored: /);
    expect(lines.at(-1)).toMatch(/^over after \S+ s \(\d+ times\): activities cannot be stored$/);
  });

  it('never holds, or waits for, more connections than its limits say, whatever it is asked', async () => {
    host = await startHost({
      adapter: 'fastify',
      database: {
        ...database,
        options: { ...database.options, poolSize: 30 } as TestDatabase['options'],
      },
      djaffar: {
        writer: { concurrency: 2 },
        statistics: { concurrency: 3, maxWait: 1000 },
        api: { guards: [{ canActivate: () => true }] },
      },
    });
    cleanUp.push(() => host.close());
    const stats = host.app.get(ActivityStats, { strict: false });
    const past = new Date(Date.now() - 5 * 86_400_000);
    for (const each of [past, new Date()])
      await host.activities.track({ path: '/', date: each, visit: 'visit' });
    await stats.overview();
    let most = 0;
    const watching = setInterval(() => (most = Math.max(most, taken(host.dataSource))), 1);
    cleanUp.push(async () => clearInterval(watching));
    const runner = await lock();
    const work = Array.from({ length: 12 }, (_, i) => [
      post(3),
      host.activities.track({ path: '/', visit: `visit${i}` }),
      host.activities.find({ path: `/${i}` }),
      host.activities.erase({ path: `/${i}` }),
      stats.overview({ from: past }),
      stats.top('path', { from: past, measure: 'visits', limit: i + 1 }),
      stats.top('browser', { from: past, limit: i + 1 }),
    ]).flat();
    // While the table is locked, some are refused.
    const done = Promise.allSettled(work);
    const waiting = async (): Promise<number> => (await operatorOf(runner).query(WAITING[name] ?? '')).length;
    while ((await waiting()) < 4) await pause(20);
    await unlock(runner);
    await done;
    const again = Array.from({ length: 12 }, (_, i) => [
      stats.top('path', { from: past, measure: 'visits', limit: 20 + i }),
      stats.top('browser', { from: past, limit: 20 + i }),
    ]).flat();
    expect(await milliseconds(() => Promise.all(again))).toBeLessThan(10_000);
    expect(most).toBeGreaterThanOrEqual(5);
    expect(most).toBeLessThanOrEqual(2 + 3 + 1);
  });

  it('says at the start that the pool is too small, and takes less', async () => {
    const lines: string[] = [];
    const log = (line: unknown): void => void lines.push(String(line));
    host = await startHost({
      adapter: 'fastify',
      database: {
        ...database,
        options: { ...database.options, poolSize: 4 } as TestDatabase['options'],
      },
      djaffar: { writer: { timeout: 60_000 } },
      application: { logger: { log, warn: log, error: log } },
    });
    cleanUp.push(() => host.close());
    expect(lines.filter((line) => line.includes('connection pool'))).toEqual([
      expect.stringMatching(
        /has 4 connections, and Djaffar would take up to 7: writer\.concurrency is 2 and statistics\.concurrency is 1 now/,
      ),
    ]);
    const runner = await lock();
    const answers = post(10);
    const questions = Promise.allSettled([1, 2, 3].map((limit) => host.activities.find({}, { limit })));
    while ((await operatorOf(runner).query<unknown[]>(WAITING[name] ?? '')).length < 2) await pause(20);
    expect(taken(host.dataSource)).toBeLessThanOrEqual(4);
    await host.dataSource.query('SELECT 1');
    await unlock(runner);
    expect(await answers).toEqual(Array.from({ length: 10 }, () => 204));
    await questions;
  });

  it('silent connections are given back, and the host continues when the network does', async () => {
    const proxy = await TcpProxy.start(database.url);
    cleanUp.push(() => proxy.close());
    await start({ url: undefined, host: '127.0.0.1', port: proxy.port, ...accessOf(database) });
    await Promise.all(Array.from({ length: 8 }, () => host.dataSource.query('SELECT 1')));
    expect(await post(5)).toEqual([204, 204, 204, 204, 204]);
    proxy.silence();
    for (let i = 0; i < 3; i++) {
      const took = await milliseconds(async () => expect(await post(3)).toEqual([503, 503, 503]));
      expect(took).toBeLessThan(TIMEOUT + SLACK);
    }
    proxy.heal();
    const recovered = await milliseconds(async () => {
      while ((await post(1))[0] !== 204) await pause(10);
    });
    expect(recovered).toBeLessThan(15_000);
    const stored = (await host.stored()).length;
    expect(stored).toBeGreaterThanOrEqual(6);
    process.stderr.write(`${name}: recovered ${recovered.toFixed(0)} ms after the network\n`);
    await Promise.all(Array.from({ length: 10 }, () => host.dataSource.query('SELECT 1')));
  });

  it('one connection that falls silent does not cost the others', async () => {
    const proxy = await TcpProxy.start(database.url);
    cleanUp.push(() => proxy.close());
    await start({ url: undefined, host: '127.0.0.1', port: proxy.port, ...accessOf(database) });
    await Promise.all(Array.from({ length: 8 }, () => host.dataSource.query('SELECT 1')));
    const before = proxy.connections;
    proxy.silenceNext();
    expect(await post(1)).toEqual([503]);
    expect(await post(1)).toEqual([204]);
    await until(() => proxy.silencedConnections === 0);
    // The pool may have opened another in its place.
    expect(proxy.connections).toBeGreaterThanOrEqual(before - 1);
  });

  it('a request with little time left costs others nothing if a connection falls silent', async () => {
    const proxy = await TcpProxy.start(database.url);
    cleanUp.push(() => proxy.close());
    const through = { url: undefined, host: '127.0.0.1', port: proxy.port, ...accessOf(database) };
    await start(through, { djaffar: { writer: { timeout: 60_000 } } });
    expect(await post(1)).toEqual([204]);
    const writer = host.app.get(ActivityWriter, { strict: false });
    // Both are in one transaction, as neither has twice the time of the other.
    const write = (path: string, within: number): Promise<void> =>
      writer.write([rowOf(path)], undefined, writer.deadline(within));
    proxy.silenceNext();
    const answers = await Promise.allSettled([write('/hurried', 3000), write('/patient', 5900)]);
    expect(answers.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
    expect((await host.stored()).map(({ path }) => path).sort()).toEqual(['/', '/patient']);
  });

  it('requests are tried again while their time lasts, if all connections have fallen silent', async () => {
    const proxy = await TcpProxy.start(database.url);
    cleanUp.push(() => proxy.close());
    await start({ url: undefined, host: '127.0.0.1', port: proxy.port, ...accessOf(database) });
    await Promise.all(Array.from({ length: 8 }, () => host.dataSource.query('SELECT 1')));
    const writer = host.app.get(ActivityWriter, { strict: false });
    proxy.silence();
    // Longer than one try may take.
    const written = writer.write([rowOf('/patient')], undefined, writer.deadline(60_000));
    await proxy.untilSwallowed();
    proxy.heal();
    expect(await milliseconds(() => written)).toBeLessThan(30_000);
    expect((await host.stored()).map(({ path }) => path)).toEqual(['/patient']);
  });

  it('a request that waited in a full pool is not stuck with a new connection that is silent', async () => {
    const proxy = await TcpProxy.start(database.url);
    cleanUp.push(() => proxy.close());
    await start({
      url: undefined,
      host: '127.0.0.1',
      port: proxy.port,
      ...accessOf(database),
      poolSize: 1,
    });
    const { dataSource } = host;
    const runner = dataSource.createQueryRunner();
    const raw: unknown = await runner.connect();
    const waiting = connectionsOf(dataSource).use(async () => {});
    proxy.silence();
    await driverOf(dataSource)?.destroy(raw);
    await runner.release();
    // mysql2 has a bound of its own for what waited, 10 s.
    const took = await milliseconds(() => expect(waiting).rejects.toThrow(/terminated|ETIMEDOUT/));
    expect(took).toBeLessThan(10_000 + SLACK);
    proxy.heal();
    expect(await post(1)).toEqual([204]);
  });

  it('says once in the log that activities are refused while the host has all connections, and when that is over', async () => {
    const lines: string[] = [];
    const log = (line: unknown): void => {
      if (String(line).includes('cannot be stored')) lines.push(String(line));
    };
    await start({ poolSize: 1 }, { application: { logger: { log, warn: log, error: log } } });
    const runner = host.dataSource.createQueryRunner();
    await runner.connect();
    expect(await post(3)).toEqual([503, 503, 503]);
    expect(lines).toEqual([
      expect.stringMatching(/^activities cannot be stored: the database did not store it within 2000 ms \(/),
    ]);
    await runner.release();
    expect(await post(1)).toEqual([204]);
    expect(lines.slice(1)).toEqual([
      expect.stringMatching(/^over after \S+ s \(3 times\): activities cannot be stored$/),
    ]);
  });

  async function startAs(maxConnections?: number): Promise<{ user: DatabaseUser; lines: string[] }> {
    const operator = await new DataSource({
      ...database.options,
      entities: djaffarEntities,
      migrations: [...djaffarMigrations],
    }).initialize();
    cleanUp.push(() => operator.destroy());
    await operator.runMigrations();
    const user = await DatabaseUser.create(operator, database.url, maxConnections);
    cleanUp.push(() => user.drop());
    const lines: string[] = [];
    const log = (line: unknown): void => {
      if (String(line).includes('cannot be stored')) lines.push(String(line));
    };
    await start({ url: user.url }, { application: { logger: { log, warn: log, error: log } } });
    return { user, lines };
  }

  it('says once in the log that a right is missing, and which, and when it is there again', async () => {
    const { user, lines } = await startAs();
    expect(await post(1)).toEqual([204]);
    await user.revokeInsert('djaffar_activity');
    for (let i = 0; i < 5; i++) expect(await post(3)).toEqual([503, 503, 503]);
    expect(lines).toEqual([
      expect.stringMatching(/^activities cannot be stored: .*lacks a right on the tables/),
    ]);
    await user.grantInsert('djaffar_activity');
    expect(await post(3)).toEqual([204, 204, 204]);
    expect(lines.slice(1)).toEqual([expect.stringMatching(/^over after .*: activities cannot be stored$/)]);
  });

  it('makes do with the one connection that the server allows its user, and waits while the host has it', async () => {
    const { lines } = await startAs(1);
    expect(await post(20)).toEqual(Array.from({ length: 20 }, () => 204));
    const runner = host.dataSource.createQueryRunner();
    await runner.connect();
    const refused = post(3);
    expect(await refused).toEqual([503, 503, 503]);
    const answers = post(3);
    await runner.release();
    expect(await answers).toEqual([204, 204, 204]);
    const troubles = lines.filter((line) => !line.startsWith('over after'));
    expect(troubles.length).toBeGreaterThanOrEqual(1);
    expect(troubles.length).toBeLessThanOrEqual(2);
    expect(troubles.join()).not.toContain('migrations');
  });

  it('a write that has to ask for the time of the database first has no more time than others', async () => {
    const proxy = await TcpProxy.start(database.url);
    cleanUp.push(() => proxy.close());
    await start({ url: undefined, host: '127.0.0.1', port: proxy.port, ...accessOf(database) });
    const store = new TypeOrmStore(host.dataSource);
    const unknown = { browser: null, system: null, device: null, country: null, language: null };
    const derived = { ...unknown, bot: false, consent: null };
    const session = { id: 'session', userAgent: null, startedAt: new Date(), ...derived };
    const writing = jest.spyOn(dialectOf(host.dataSource), 'write');
    proxy.delay(1000, 1000);
    const written = store.lendWriter(
      (write) => write({ activities: [], sessions: [session], token: () => 'token' }, 1500),
      new AbortController().signal,
    );
    await Promise.allSettled([written]);
    const [, , within] = writing.mock.calls[0] ?? [];
    writing.mockRestore();
    expect(within).toBeLessThanOrEqual(505);
  });

  it('a connection that has become read-only, as after a failover, is replaced', async () => {
    await start({ poolSize: 1 });
    expect(await post(1)).toEqual([204]);
    await host.dataSource.query(READ_ONLY[name] ?? '');
    expect(await post(1)).toEqual([204]);
    expect(await host.stored()).toHaveLength(2);
  });

  it('two modules on one data source share its limits', async () => {
    await start({}, { imports: [DjaffarModule.forRoot({ path: 'second' })] });
    const runner = await lock();
    const paths = Array.from({ length: 6 }, (_, i) => (i % 2 ? '/second/track/' : '/djaffar/track/'));
    const answers = paths.map((path) =>
      host.fetch(path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ date, path: '/' }),
      }),
    );
    const waiting = async (): Promise<number> => (await host.dataSource.query(WAITING[name] ?? '')).length;
    while ((await waiting()) < 2) await pause(20);
    await pause(300);
    expect(await waiting()).toBe(2);
    await unlock(runner);
    for (const answer of answers) expect((await answer).status).toBe(204);
  });

  it('the application shuts down in time if the database is silent, and says so once', async () => {
    const proxy = await TcpProxy.start(database.url);
    cleanUp.push(() => proxy.close());
    const lines: string[] = [];
    const log = (line: unknown): void => void lines.push(String(line));
    const through = { url: undefined, host: '127.0.0.1', port: proxy.port, ...accessOf(database) };
    await start(through, { application: { logger: { log() {}, warn: log, error: log } } });
    expect(await post(5)).toEqual([204, 204, 204, 204, 204]);
    proxy.silence();
    const answer = post(1);
    await proxy.untilSwallowed();
    // More than there are connections for.
    const others = Array.from({ length: 10 }, () => host.activities.track({ path: '/' }));
    const refused = Promise.allSettled(others);
    const took = await milliseconds(() => host.app.close());
    expect(took).toBeLessThan(TIMEOUT + 1000 + SLACK);
    expect(await answer).toEqual([503]);
    expect((await refused).filter(({ status }) => status === 'fulfilled')).toEqual([]);
    // Nest adds a line if a connection of the pool had been given up before it closed the pool.
    const own = lines.filter((line) => !line.startsWith('Failed to close the "default" data source'));
    expect(own).toEqual(['activities cannot be stored: the database does not answer']);
  });

  it('the application shuts down in time if the database is locked and requests keep arriving', async () => {
    await start({});
    const runner = await lock();
    const statuses = new Set<number>();
    let isRefused = false;
    const clients = Array.from({ length: 8 }, async () => {
      while (!isRefused) {
        const [status = 0] = await post(1).catch(() => [0]);
        statuses.add(status);
        isRefused = status === 0;
      }
    });
    while (statuses.size === 0) await pause(5);
    const took = await milliseconds(() => host.app.close());
    await Promise.all(clients);
    expect(took).toBeLessThan(TIMEOUT + 1000 + SLACK);
    expect([...statuses].sort((a, b) => a - b)).toEqual([0, 503]);
    await unlock(runner);
  });

  it('a rollup whose lock somebody holds delays neither questions nor the shutdown', async () => {
    await start({});
    const stats = host.app.get(ActivityStats, { strict: false });
    expect((await stats.overview()).activities.value).toBe(0);
    expect(await post(1)).toEqual([204]);
    const other = await new DataSource(database.options).initialize();
    cleanUp.push(() => other.destroy());
    const runner = other.createQueryRunner();
    await runner.startTransaction();
    await runner.query('UPDATE djaffar_rollup_state SET version = version + 0');
    const asked = await milliseconds(() =>
      stats.overview({ from: '2026-02-01T00:00Z', to: '2026-03-01T00:00Z' }),
    );
    expect(asked).toBeLessThan(2000 + SLACK);
    const took = await milliseconds(() => host.app.close());
    expect(took).toBeLessThan(TIMEOUT + 1000 + SLACK);
    await runner.rollbackTransaction();
  });

  it('bounds its transactions on the server, and leaves the connections of the host as they were', async () => {
    await start({ poolSize: 1 });
    const settings = (): Promise<unknown> => host.dataSource.query(SETTINGS[name] ?? '');
    const before = await settings();
    const inside = await dialectOf(host.dataSource).reading(host.dataSource, (manager) =>
      manager.query<Record<string, unknown>[]>(SETTINGS[name] ?? ''),
    );
    expect(Object.values(inside[0] ?? {}).map(String)).toEqual(BOUNDED[name]);
    expect(await post(1)).toEqual([204]);
    expect(await settings()).toEqual(before);
  });

  it('does not start on what cannot hold every text, and names the remedy', async () => {
    const wrong = name === 'postgres' ? { url: await latinDatabase() } : { charset: 'latin1' };
    const remedy = name === 'postgres' ? "ENCODING 'UTF8'" : "charset: 'utf8mb4'";
    await expect(start(wrong)).rejects.toThrow(remedy);
  });

  it('answers questions 503, not 500, if the database does not answer in time', async () => {
    host = await startHost({
      adapter: 'express',
      database,
      djaffar: {
        api: { guards: [{ canActivate: () => true }] },
        dashboard: { guards: [{ canActivate: () => true }] },
        statistics: { timeout: 1000 },
      },
    });
    cleanUp.push(() => host.close());
    const runner = await lock();
    const paths = ['/djaffar/activities?limit=1', '/djaffar/dashboard/data/about'];
    for (const path of paths) {
      const { status, headers } = await host.fetch(path);
      expect(status).toBe(503);
      expect(headers.get('Retry-After')).toBe('5');
    }
    await unlock(runner);
    for (const path of paths) expect((await host.fetch(path)).status).toBe(200);
  });
});

function accessOf({ url }: TestDatabase): { username: string; password: string; database: string } {
  const { username, password, pathname } = new URL(url);
  return { username, password, database: pathname.slice(1) };
}

it('one question at a time needs no second place to cache the days that it is about', async () => {
  const host = await startHost({
    adapter: 'fastify',
    djaffar: { statistics: { concurrency: 1, timeout: 30_000, maxWait: 30_000 } },
  });
  const stats = host.app.get(ActivityStats, { strict: false });
  const past = new Date(Date.now() - 5 * 86_400_000);
  const from = new Date(+past - 86_400_000);
  for (const each of [past, new Date()])
    await host.activities.track({ path: '/', date: each, visit: `v${+each}`, properties: { plan: 'pro' } });
  const answers = await Promise.all([
    stats.top('browser', { from }),
    stats.top('path', { from, measure: 'visits' }),
    stats.top('property', { from, property: 'plan' }),
  ]);
  expect(answers.map(({ items }) => items.map(({ count }) => count))).toEqual([[2], [2], [2]]);
  expect(await host.dataSource.getRepository(DailyCount).count()).toBe(3);
  await host.close();
});

it('the application shuts down in time during exports to clients that do not read, and says so once', async () => {
  const lines: string[] = [];
  const log = (line: unknown): void => void lines.push(String(line));
  const host = await startHost({
    adapter: 'fastify',
    application: { logger: { log, warn: log, error: log } },
    djaffar: { writer: { timeout: TIMEOUT }, dashboard: { guards: [{ canActivate: () => true }] } },
  });
  await host.dataSource.query(
    `INSERT INTO djaffar_activity (id, date, receivedAt, name, path, properties)
     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 8000)
     SELECT 'activity-' || i, i, i, 'view', '/', json_object('text', printf('%.4000c', 'x')) FROM n`,
  );
  const sockets = [1, 2, 3].map(() => connect(Number(new URL(host.url).port), '127.0.0.1'));
  for (const socket of sockets) {
    socket.on('error', () => {});
    socket.write('GET /djaffar/dashboard/data/activities/export?format=ndjson HTTP/1.1\r\nHost: x\r\n\r\n');
    await once(socket, 'readable');
  }
  const took = await milliseconds(() => host.close());
  for (const socket of sockets) socket.destroy();
  expect(lines.filter((line) => line.includes('broke off'))).toEqual([
    'an answer broke off: the application is shutting down',
  ]);
  expect(took).toBeGreaterThan(TIMEOUT - 100);
  expect(took).toBeLessThan(TIMEOUT + 1000 + SLACK);
});

describe.each(ADAPTERS)('the application shuts down in time on %s', (adapter) => {
  const BEGUN = 'POST /djaffar/track/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';

  it.each([
    ['headers', BEGUN],
    ['a body', `${BEGUN}Content-Length: 1000\r\n\r\n{`],
  ])('while a client never finishes %s', async (_, sent) => {
    const host = await startHost({ adapter, djaffar: { writer: { timeout: TIMEOUT } } });
    const server: Server = host.app.getHttpServer();
    const connected = once(server, 'connection');
    const socket = connect(Number(new URL(host.url).port), '127.0.0.1').on('error', () => {});
    const closed = once(socket, 'close');
    socket.write(sent);
    const [accepted] = await connected;
    while (accepted.bytesRead < sent.length) await pause(5);
    const took = await milliseconds(() => host.close());
    await closed;
    expect(took).toBeGreaterThan(TIMEOUT - 100);
    expect(took).toBeLessThan(TIMEOUT + 1000 + SLACK);
  });

  it('after a question that was under way, whose client keeps the connection', async () => {
    const gate = new EventEmitter();
    const canActivate = async (context: ExecutionContext): Promise<boolean> => {
      // At the start a guard is asked too, about a request that nobody has sent.
      if (context.switchToHttp().getRequest<IncomingMessage>().headers.host !== 'x') return true;
      const opened = once(gate, 'open');
      gate.emit('arrived');
      await opened;
      return true;
    };
    const host = await startHost({
      adapter,
      djaffar: { writer: { timeout: 60_000 }, api: { guards: [{ canActivate }] } },
    });
    const server: Server = host.app.getHttpServer();
    server.keepAliveTimeout = 60_000;
    const socket = connect(Number(new URL(host.url).port), '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => chunks.push(chunk));
    const ended = once(socket, 'close');
    const arrived = once(gate, 'arrived');
    socket.write('GET /djaffar/activities HTTP/1.1\r\nHost: x\r\n\r\n');
    await arrived;
    const close = host.close();
    while (server.keepAliveTimeout === 60_000) await pause(5);
    const took = await milliseconds(async () => {
      gate.emit('open');
      await Promise.all([close, ended]);
    });
    expect(Buffer.concat(chunks).toString()).toMatch(/^HTTP\/1\.1 200 /);
    expect(took).toBeLessThan(SLACK + 4000);
  });
});
