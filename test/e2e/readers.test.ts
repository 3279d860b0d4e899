import { EventEmitter, once } from 'node:events';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as pause } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { dialectOf } from '../../lib/database/dialects/dialect.js';
import { connectionsOf } from '../../lib/database/connections.js';
import { onPrimary } from '../../lib/database/primary.js';
import { DEFAULTS } from '../../lib/options/settings.js';
import { ActivityStats, djaffarEntities } from '../../lib/index.js';
import { readersOf, secondsOf } from '../support/child-processes.js';
import { createMigratedDatabase, type TestDatabase } from '../support/databases.js';
import { startHost } from '../support/host.js';
import { startSample } from '../support/sample.js';
import { until } from '../support/until.js';

const SLOW = `WITH RECURSIVE numbers(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1e9)
  SELECT COUNT(*) AS count FROM numbers`;
const COUNT = 'SELECT COUNT(*) AS count FROM djaffar_activity';

describe('readers of an SQLite file', () => {
  let database: TestDatabase;
  let dataSource: DataSource;

  async function open(options: object = {}): Promise<void> {
    const all = { ...database.options, ...options, entities: djaffarEntities };
    dataSource = await new DataSource(all).initialize();
  }

  async function insert(path: string): Promise<unknown> {
    return dataSource.query(
      `INSERT INTO djaffar_activity (id, date, "receivedAt", name, path) VALUES (?, 0, 0, 'view', ?)`,
      [path.padStart(36, '0'), path],
    );
  }

  beforeEach(async () => {
    database = await createMigratedDatabase('sqlite');
    await open();
  });

  afterEach(async () => {
    await connectionsOf(dataSource).close();
    await dataSource.destroy();
    await database.drop();
    if (readersOf().length > 0) throw new Error('a reader is left');
  });

  it('do not block the event loop, however long a statement takes', async () => {
    await onPrimary(dataSource, (manager) => manager.query(COUNT));
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const begun = performance.now();
    await onPrimary(dataSource, (manager) => manager.query(SLOW.replace('1e9', '3e6')));
    const took = performance.now() - begun;
    delay.disable();
    expect(delay.max / 1e6).toBeLessThan(took / 2);
  });

  it('see what was committed before, and nothing that is committed meanwhile', async () => {
    await insert('/a');
    const counts = await dialectOf(dataSource).reading(dataSource, async (manager) => {
      const before = await manager.query<unknown[]>(COUNT);
      await insert('/b');
      return [before, await manager.query<unknown[]>(COUNT)];
    });
    expect(counts).toEqual([[{ count: 1 }], [{ count: 1 }]]);
    expect(await onPrimary(dataSource, (manager) => manager.query(COUNT))).toEqual([{ count: 2 }]);
  });

  it('cannot write', async () => {
    await expect(
      onPrimary(dataSource, (manager) => manager.query('DELETE FROM djaffar_activity')),
    ).rejects.toThrow(/readonly|read-only|query_only/);
  });

  it('answer as the connection of the host does', async () => {
    const values = `SELECT 1 AS number, 1764000000000 AS large, 1.5 AS real, 'text "ü" 😀' AS text, NULL AS missing,
      ? AS truth, 9007199254740991 AS largest`;
    const ofReader = await onPrimary(dataSource, (manager) => manager.query(values, [true]));
    expect(ofReader).toEqual(await dataSource.query(values, [true]));
    const wrong = 'SELECT missing FROM nowhere';
    const ofReaderError = await onPrimary(dataSource, (manager) => manager.query(wrong)).catch(String);
    expect(ofReaderError).toEqual(await dataSource.query(wrong).catch(String));
  });

  it('are killed with their statement, and replaced', async () => {
    const controller = new AbortController();
    const asked = onPrimary(
      dataSource,
      async (manager) => {
        await manager.query(COUNT);
        return manager.query(SLOW);
      },
      controller.signal,
    );
    await until(() => readersOf().length === 1 && secondsOf(readersOf()[0]) >= 1);
    controller.abort(new Error('given up'));
    await expect(asked).rejects.toThrow('given up');
    await until(() => readersOf().length === 0);
    expect(await onPrimary(dataSource, (manager) => manager.query(COUNT))).toEqual([{ count: 0 }]);
  });

  it('are replaced once if they are lost', async () => {
    let asked = 0;
    const loseFirst = (losses: number): Promise<unknown> =>
      onPrimary(dataSource, async (manager) => {
        asked += 1;
        if (asked > losses) return manager.query(COUNT);
        const slow = manager.query(SLOW);
        const [pid = 0] = readersOf();
        process.kill(pid, 'SIGKILL');
        return slow;
      });
    expect(await loseFirst(1)).toEqual([{ count: 0 }]);
    expect(asked).toBe(2);
    asked = 0;
    await expect(loseFirst(2)).rejects.toThrow('has ended: SIGKILL');
    expect(asked).toBe(2);
  });

  it('are at most two', async () => {
    await Promise.all(
      Array.from({ length: 6 }, () =>
        onPrimary(dataSource, async (manager) => {
          await manager.query(COUNT);
          expect(readersOf().length).toBeLessThanOrEqual(2);
        }),
      ),
    );
  });

  it.each([
    ['without a write-ahead log', { enableWAL: false, prepareDatabase: withoutLog }, 'set enableWAL: true'],
    ['with a driver of its own', { driver: ownDriver() }, "leave the driver's package out of the bundle"],
    ['in memory', { database: ':memory:', migrations: [] }, 'not in a file'],
  ])('are none for a database %s, and the log says so once', async (_, options, remedy) => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    await dataSource.destroy();
    await open(options);
    // As in a host: a command stops nobody's event loop, and says nothing.
    connectionsOf(dataSource).limit({ writers: 2, ...DEFAULTS.statistics });
    for (let i = 0; i < 2; i++)
      expect(await onPrimary(dataSource, (manager) => manager.query('SELECT 1 AS one'))).toEqual([
        { one: 1 },
      ]);
    expect(warn.mock.calls).toEqual([[expect.stringContaining(remedy)]]);
    warn.mockRestore();
  });

  it('are none without a write-ahead log: what another process locks is waited for without stopping the event loop', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation();
    await dataSource.destroy();
    await open({ enableWAL: false, prepareDatabase: withoutLog });
    await insert('/a');
    const other = await new DataSource(dataSource.options).initialize();
    await other.query('BEGIN EXCLUSIVE');
    const delay = monitorEventLoopDelay({ resolution: 5 });
    delay.enable();
    const asked = onPrimary(dataSource, (manager) => manager.query(COUNT));
    const answered = jest.fn();
    void asked.then(answered, answered);
    await pause(500);
    delay.disable();
    expect(answered).not.toHaveBeenCalled();
    await other.query('COMMIT');
    expect(await asked).toEqual([{ count: 1 }]);
    // The driver would wait for 5 s.
    expect(delay.max / 1e6).toBeLessThan(400);
    expect(await dataSource.query('PRAGMA busy_timeout')).toEqual([{ timeout: 5000 }]);
    // TypeORM's own runner is the host's.
    expect(await insert('/b')).toBe(2);
    await other.destroy();
    warn.mockRestore();
  });

  it('that are all taken keep nobody from tracking in a visit that has to be looked up', async () => {
    const host = await startHost({ adapter: 'fastify', database });
    const gate = new EventEmitter();
    const opened = once(gate, 'open');
    let held = 0;
    const questions = [1, 2].map(() =>
      onPrimary(host.dataSource, async (manager) => {
        await manager.query(COUNT);
        held += 1;
        await opened;
      }),
    );
    await until(() => held === 2);
    await host.activities.track({ path: '/', visit: 'of-host' });
    gate.emit('open');
    await Promise.all(questions);
    expect(await host.stored()).toHaveLength(1);
    await host.app.close();
  });

  it('end with the application', async () => {
    const host = await startHost({ adapter: 'fastify', database });
    await host.app.get(ActivityStats, { strict: false }).overview();
    expect(readersOf()).toHaveLength(1);
    await host.app.close();
    expect(readersOf()).toEqual([]);
  });

  it('end with a host that is killed', async () => {
    const sample = await startSample({ DATABASE_URL: database.url });
    await fetch(`${sample.url}/djaffar/track/`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ date: new Date().toISOString(), path: '/' }),
    });
    const login = await fetch(`${sample.url}/auth/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ username: 'ada', password: 'lovelace' }),
    });
    const cookie = login.headers
      .getSetCookie()
      .map((each) => each.split(';')[0])
      .join('; ');
    const { status } = await fetch(`${sample.url}/djaffar/stats/overview`, { headers: { cookie } });
    expect(status).toBe(200);
    const readers = readersOf(sample.process.pid);
    expect(readers).toHaveLength(1);
    await sample.end('SIGKILL');
    await until(() => !readers.some(isAlive));
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

function withoutLog(connection: { pragma(sql: string): unknown }): void {
  connection.pragma('journal_mode = DELETE');
}

/** No module exports it. */
function ownDriver(): unknown {
  const libsql: new (...given: unknown[]) => object = jest.requireActual('libsql');
  return class extends libsql {};
}
