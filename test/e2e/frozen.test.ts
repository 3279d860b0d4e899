import { setTimeout as pause } from 'node:timers/promises';
import { DataSource, type QueryRunner } from 'typeorm';
import { createMigratedDatabase, type DatabaseName, FOUND, type TestDatabase } from '../support/databases.js';
import { fetchAsAda, FIREFOX, type Sample, startSample } from '../support/sample.js';
import { TcpProxy } from '../support/tcp-proxy.js';

/** Keeps the update of the statistics waiting inside its transaction. */
const LOCK: Partial<Record<DatabaseName, string[]>> = {
  postgres: ['BEGIN', 'LOCK TABLE djaffar_visit IN SHARE MODE'],
  mariadb: ['LOCK TABLES djaffar_visit READ'],
};
const UNLOCK: Partial<Record<DatabaseName, string>> = { postgres: 'ROLLBACK', mariadb: 'UNLOCK TABLES' };
const WAITING: Partial<Record<DatabaseName, string>> = {
  postgres: `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  mariadb: `SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND state LIKE 'Waiting for table%lock'`,
};
/** Milliseconds: the server ends a transaction that is idle for 10 s. Much more, for a machine that is busy. */
const BOUND = 30_000;

describe.each(FOUND)('a healthy instance, on %s,', (name) => {
  let database: TestDatabase;
  let operator: DataSource;
  let stopped: Sample;
  let healthy: Sample;
  let cleanUp: (() => Promise<unknown>)[];

  beforeEach(async () => {
    cleanUp = [];
    database = await createMigratedDatabase(name);
    cleanUp.push(() => database.drop());
  });

  afterEach(async () => {
    for (const each of cleanUp.toReversed()) await each();
  });

  /** @param url of the database, for the instance that is to stop */
  async function start(url = database.url): Promise<void> {
    stopped = await startSample({ DATABASE_URL: url });
    cleanUp.push(() => stopped.end('SIGKILL'));
    healthy = await startSample({ DATABASE_URL: database.url });
    cleanUp.push(() => healthy.end('SIGKILL'));
    operator = await new DataSource(database.options).initialize();
    cleanUp.push(() => operator.destroy());
  }

  async function track({ url }: Sample, path: string): Promise<void> {
    const response = await fetch(`${url}/djaffar/track/`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', 'User-Agent': FIREFOX },
      body: JSON.stringify({ date: new Date().toISOString(), path }),
    });
    expect(response.status).toBe(204);
  }

  /** Calls `stop` while the update of the statistics is in its transaction, and has locked its row. */
  async function stopInUpdate(stop: () => unknown): Promise<void> {
    await fetchAsAda(stopped, 'stats/overview');
    await track(stopped, '/');
    const runner: QueryRunner = operator.createQueryRunner();
    for (const sql of LOCK[name] ?? []) await runner.query(sql);
    void fetchAsAda(stopped, 'stats/overview').catch(() => {});
    while ((await operator.query<unknown[]>(WAITING[name] ?? '')).length === 0) await pause(20);
    stop();
    await runner.query(UNLOCK[name] ?? '');
    await runner.release();
  }

  async function expectAnswers(): Promise<void> {
    const signal = AbortSignal.timeout(BOUND);
    await track(healthy, '/erased');
    expect((await fetchAsAda(healthy, 'stats/overview', { signal })).status).toBe(200);
    const erase = { method: 'DELETE', signal };
    const erased = await fetchAsAda(healthy, 'dashboard/data/activities?path=/erased', erase);
    expect(await erased.json()).toEqual({ erased: 1 });
    const top = await fetchAsAda(healthy, 'stats/top?dimension=path', { signal });
    expect(await top.json()).toMatchObject({ items: [{ value: '/' }] });
  }

  it('answers while another one is frozen after an answer, which continues when it is thawed', async () => {
    await start();
    await track(stopped, '/');
    stopped.process.kill('SIGSTOP');
    await expectAnswers();
    stopped.process.kill('SIGCONT');
    await track(stopped, '/thawed');
    expect((await fetchAsAda(stopped, 'stats/overview')).status).toBe(200);
  });

  if (name !== 'sqlite') {
    it('answers in bounded time while another one is frozen in a transaction', async () => {
      await start();
      await stopInUpdate(() => stopped.process.kill('SIGSTOP'));
      await expectAnswers();
      stopped.process.kill('SIGCONT');
      await track(stopped, '/thawed');
      expect((await fetchAsAda(stopped, 'stats/overview')).status).toBe(200);
    });

    it('answers in bounded time after the machine of another one has vanished in a transaction', async () => {
      const proxy = await TcpProxy.start(database.url);
      cleanUp.push(() => proxy.close());
      const url = new URL(database.url);
      url.port = String(proxy.port);
      await start(url.href);
      await stopInUpdate(() => proxy.silence());
      await expectAnswers();
      expect((await fetchAsAda(healthy, 'stats/overview')).status).toBe(200);
    });
  }
});
