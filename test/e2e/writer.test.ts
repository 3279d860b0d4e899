import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import type { QueryRunner } from 'typeorm';
import { ActivityWriter } from '../../lib/activity/activity.writer.js';
import { type StoredActivity, UnavailableError, type WriterSettings } from '../../lib/index.js';
import { FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';

const date = '2026-02-03T04:05:06.789Z';

/** What keeps everybody else from writing activities, until it is rolled back. */
const LOCKS: Record<string, string[]> = {
  sqlite: ['DELETE FROM djaffar_session WHERE id = 0'],
  postgres: ['LOCK TABLE djaffar_activity'],
  mariadb: [
    `INSERT INTO djaffar_activity (id, date, receivedAt, name, path) VALUES ('ID', 1, 1, 'lock', '/')`,
  ],
};

/** Statements that lock the whole table, and unlock it. */
const WHOLE: Record<string, [lock: string[], unlock: string]> = {
  postgres: [['BEGIN', 'LOCK TABLE djaffar_activity'], 'ROLLBACK'],
  mariadb: [['LOCK TABLES djaffar_activity WRITE'], 'UNLOCK TABLES'],
};

/**
 * The connections that wait for it. `innodb_trx` would be no use: MariaDB answers from a copy that it does not renew until
 * nobody has asked for 100 ms.
 */
const WAITING: Record<string, string> = {
  postgres: `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  mariadb: `SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND state LIKE 'Waiting for table%lock'`,
};

const BAD: Record<string, Partial<StoredActivity>> = {
  sqlite: { receivedAt: new Date(Number.NaN) },
  postgres: { receivedAt: new Date(Number.NaN) },
  mariadb: { properties: { text: 'x'.repeat(70_000) } },
};

describe.each(FOUND)('the writer on %s', (database) => {
  let host: Host;
  /** Of the log. */
  let lines: string[];

  afterEach(() => host.close());

  async function start(
    writer: Partial<WriterSettings>,
    statistics: { timeout?: number } = {},
  ): Promise<void> {
    const djaffar = {
      writer,
      statistics,
      // What the checks never let through, but no database takes, or no driver even sends.
      transform: (activity: StoredActivity) => {
        if (activity.path === '/bad') return { ...activity, ...BAD[database] };
        if (activity.path === '/visit-of-host') return { ...activity, visitId: 'of-host' };
        return activity.path === '/unsendable' ? { ...activity, properties: { big: 1n } } : activity;
      },
    };
    lines = [];
    const log = (line: unknown): void => void lines.push(String(line));
    const application = { logger: { log, warn: log, error: log } };
    host = await startHost({ adapter: 'fastify', database, djaffar, application });
  }

  async function lock(id: string): Promise<QueryRunner> {
    const runner = host.dataSource.createQueryRunner();
    await runner.startTransaction();
    for (const sql of LOCKS[database] ?? []) await runner.query(sql.replace('ID', id));
    return runner;
  }

  it.each(['/bad', '/unsendable'])('does not fail the others of a group for the row %s', async (bad) => {
    await start({ concurrency: 1 });
    const paths = Array.from({ length: 40 }, (_, i) => (i === 17 ? bad : `/${i}`));
    const answers = await Promise.all(paths.map(async (path) => (await host.post({ date, path })).status));
    expect(answers.filter((status) => status === 204)).toHaveLength(39);
    expect(answers[17]).toBe(422);
    expect((await host.stored()).map(({ path }) => path).sort()).toEqual(
      paths.filter((path) => path !== bad).sort(),
    );
  });

  it('waits for a database that is busy, and answers when it has committed', async () => {
    await start({});
    const id = randomUUID();
    const blocker = await lock(id);
    const answer = host.post({ id, date, path: '/' });
    await blocker.rollbackTransaction();
    await blocker.release();
    expect((await answer).status).toBe(204);
    expect((await host.stored()).map((activity) => activity.id)).toEqual([id]);
  });

  it('answers 503 with Retry-After when the database does not take it in time, stores nothing then, and once when it is sent again', async () => {
    await start({ timeout: 1000 });
    const id = randomUUID();
    const blocker = await lock(id);
    const refused = await host.post({ id, date, path: '/' });
    expect(refused.status).toBe(503);
    expect(refused.headers.get('Retry-After')).toBe('1');
    expect(refused.headers.getSetCookie()).toEqual([]);
    await blocker.rollbackTransaction();
    await blocker.release();
    expect(await host.stored()).toEqual([]);
    expect((await host.post({ id, date, path: '/' })).status).toBe(204);
    expect((await host.post({ id, date, path: '/' })).status).toBe(204);
    expect(await host.stored()).toHaveLength(1);
  });

  it('refuses in time a request that has waited for the database before, although others have more time left', async () => {
    await start({ timeout: 120_000 });
    const id = randomUUID();
    const blocker = await lock(id);
    const patient = host.post({ id, date, path: '/' });
    const writer = host.app.get(ActivityWriter, { strict: false });
    const fields = { name: 'view', path: '/', route: null, referer: null, properties: null };
    const nobody = { userId: null, userName: null, sessionId: null, visitId: null, ipAddress: null };
    const others = { subject: null, groupId: null, groupName: null, interactive: null };
    const row = { id, date: new Date(date), receivedAt: new Date(date), ...fields, ...nobody, ...others };
    const begun = performance.now();
    await expect(writer.write([row], undefined, writer.deadline(1000))).rejects.toThrow(UnavailableError);
    expect(performance.now() - begun).toBeLessThan(60_000);
    await blocker.rollbackTransaction();
    await blocker.release();
    expect((await patient).status).toBe(204);
  });

  it('waits no longer if the system clock is set back', async () => {
    await start({ timeout: 200 });
    const id = randomUUID();
    const blocker = await lock(id);
    const hourAgo = Date.now() - 3_600_000;
    const answer = host.post({ id, date, path: '/' });
    const setBack = jest.spyOn(Date, 'now').mockReturnValue(hourAgo);
    try {
      expect((await answer).status).toBe(503);
    } finally {
      setBack.mockRestore();
      await blocker.rollbackTransaction();
      await blocker.release();
    }
  });

  const whole = WHOLE[database];
  if (whole) {
    it('looks up the visit that `transform` has chosen within the time of the request', async () => {
      await start({ timeout: 1000 }, { timeout: 120_000 });
      const [lockAll, unlockAll] = whole;
      const runner = host.dataSource.createQueryRunner();
      try {
        for (const sql of lockAll) await runner.query(sql);
        const begun = performance.now();
        expect((await host.post({ date, path: '/visit-of-host' })).status).toBe(503);
        expect(performance.now() - begun).toBeLessThan(60_000);
        await runner.query(unlockAll);
        expect((await host.post({ date, path: '/visit-of-host' })).status).toBe(204);
      } finally {
        await runner.release();
      }
    });

    it('starts a write while another one waits for the database', async () => {
      await start({ concurrency: 2, timeout: 30_000 });
      const [lockAll, unlockAll] = whole;
      const runner = host.dataSource.createQueryRunner();
      const waiting = async (): Promise<number> =>
        (await host.dataSource.query(WAITING[database] ?? '')).length;
      try {
        for (const sql of lockAll) await runner.query(sql);
        const first = host.post({ date, path: '/first' });
        while ((await waiting()) < 1) await pause(20);
        const second = host.post({ date, path: '/second' });
        while ((await waiting()) < 2) await pause(20);
        await runner.query(unlockAll);
        expect([(await first).status, (await second).status]).toEqual([204, 204]);
      } finally {
        await runner.release();
      }
    });
  }

  it('answers 503 at once when too many wait, and says so in the log', async () => {
    await start({ maxWaiting: 3 });
    const id = randomUUID();
    const blocker = await lock(id);
    const waiting = [1, 2, 3].map(() => host.post({ id, date, path: '/' }));
    // One more than there is room for, whichever of them comes last.
    const answers = [...waiting, host.post({ id, date, path: '/' })];
    const first = await Promise.race(answers);
    expect(first.status).toBe(503);
    expect(first.headers.get('Retry-After')).toBe('1');
    // With the one connection of SQLite the writer has met the lock before.
    const reason = database === 'sqlite' ? '' : 'too many .* \\(writer\\.maxWaiting';
    expect(lines).toContainEqual(expect.stringMatching(`^activities cannot be stored: ${reason}`));
    await blocker.rollbackTransaction();
    await blocker.release();
    const statuses = (await Promise.all(answers)).map(({ status }) => status);
    expect(statuses.filter((status) => status === 204)).toHaveLength(3);
  });

  it('writes what is waiting before the application has shut down', async () => {
    await start({});
    const ids = Array.from({ length: 50 }, () => randomUUID());
    const tracked = ids.map((id) => host.activities.track({ id, path: '/' }));
    const rows = Promise.all(tracked);
    await host.app.close();
    await expect(rows).resolves.toHaveLength(50);
    await expect(host.activities.track({ path: '/' })).rejects.toThrow('shutting down');
  });

  if (database === 'postgres') {
    it('continues if a connection loses its prepared statements, as behind an old PgBouncer', async () => {
      await start({});
      expect((await host.post({ date, path: '/1' })).status).toBe(204);
      // One request at a time needs one connection, so that this is the one that wrote.
      const prepared = 'SELECT name FROM pg_prepared_statements';
      expect(await host.dataSource.query(prepared)).not.toEqual([]);
      await host.dataSource.query('DEALLOCATE ALL');
      for (const path of ['/2', '/3']) expect((await host.post({ date, path })).status).toBe(204);
      expect((await host.stored()).map(({ path }) => path).sort()).toEqual(['/1', '/2', '/3']);
      expect(await host.dataSource.query(prepared)).toEqual([]);
    });

    it('goes on where a statement of the same name is prepared already, as behind a PgBouncer that shares connections', async () => {
      await start({});
      expect((await host.post({ date, path: '/1' })).status).toBe(204);
      // The server of another client: this one does not know what is prepared on it.
      const runner = host.dataSource.createQueryRunner();
      const client: { connection: { parsedStatements: object } } = await runner.connect();
      client.connection.parsedStatements = {};
      await runner.release();
      for (const path of ['/2', '/3']) expect((await host.post({ date, path })).status).toBe(204);
      expect((await host.stored()).map(({ path }) => path).sort()).toEqual(['/1', '/2', '/3']);
    });
  }

  it('refuses with 503, and says why in the log, while the migrations have not been run', async () => {
    await start({});
    // The view, and the tables of the statistics.
    for (let undone = 0; undone < 2; undone++) await host.dataSource.undoLastMigration();
    expect((await host.post({ date, path: '/' })).status).toBe(503);
    await host.dataSource.runMigrations();
    expect((await host.post({ date, path: '/' })).status).toBe(204);
  });
});
