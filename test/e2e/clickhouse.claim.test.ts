import { randomUUID } from 'node:crypto';
import { clickHouse } from '../../lib/store/clickhouse/index.js';
import { toClickHouseSettings } from '../../lib/store/clickhouse/clickhouse.options.js';
import { DirtyVisits } from '../../lib/store/clickhouse/dirty-visits.js';
import { Server } from '../../lib/store/clickhouse/server.js';
import { SessionClaims } from '../../lib/store/clickhouse/session-claims.js';
import type { ParsedFilter } from '../../lib/activity/activity.filter.js';
import { parseUserAgent } from '../../lib/activity/user-agent.js';
import { parseStatisticsFilter } from '../../lib/statistics/statistics-filter.js';
import { DEFAULTS } from '../../lib/options/settings.js';
import type { Store } from '../../lib/store/store.js';
import type { SessionClaim } from '../../lib/store/session-claim.types.js';
import { STORES } from '../support/databases.js';
import { type ClickHouseServer, startClickHouse } from '../support/clickhouse/clickhouse.js';
import { until } from '../support/until.js';

const SETTINGS = {
  ...DEFAULTS,
  page: (path: string) => path,
  statistics: { ...DEFAULTS.statistics, maxWait: 60_000 },
};
const START = Date.UTC(2026, 9, 5);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const FIREFOX = 'Mozilla/5.0 (X11; Linux x86_64; rv:132.0) Gecko/20100101 Firefox/132.0';
/** Milliseconds in which the process of a claim is thought to have ended. */
const SOON = 3000;

const at = (hour: number): Date => new Date(START + hour * HOUR);

(STORES.includes('clickhouse') ? describe : describe.skip)('a claim of sessions on ClickHouse', () => {
  let server: ClickHouseServer;
  let database: string;
  /** Another instance. */
  let store: Store;
  let engine: Server;
  let claims: SessionClaims;

  beforeAll(async () => {
    server = await startClickHouse();
  });

  afterAll(() => server.stop());

  beforeEach(async () => {
    database = await server.createDatabase();
    store = await clickHouse({ url: server.url, database }).create(SETTINGS);
    await store.migrate();
    engine = new Server(toClickHouseSettings({ url: server.url, database }), 60_000, 4);
    claims = claimsWithin();
  });

  afterEach(async () => {
    jest.restoreAllMocks();
    await engine.close();
    await store.close();
  });

  function claimsWithin(milliseconds?: number): SessionClaims {
    return new SessionClaims(engine, new DirtyVisits(engine), async () => 0, milliseconds);
  }

  interface Written {
    session: string;
    visit: string;
    user?: string;
    hour: number;
  }

  /** Writes the activities in one batch, and returns their ids. */
  async function write(...written: Written[]): Promise<string[]> {
    const none = {
      page: null,
      route: null,
      referer: null,
      properties: null,
      subject: null,
      groupId: null,
      groupName: null,
      ipAddress: null,
      interactive: null,
    };
    const activities = written.map(({ session, visit, user, hour }) => ({
      ...none,
      id: randomUUID(),
      date: at(hour),
      receivedAt: at(hour),
      name: 'view',
      path: '/',
      userId: user ?? null,
      userName: user === undefined ? null : `Name of ${user}`,
      sessionId: session,
      visitId: visit,
    }));
    const sessions = [...new Set(written.map(({ session }) => session))].map((id) => ({
      id,
      startedAt: at(0),
      ...parseUserAgent(FIREFOX),
      country: null,
      language: null,
      consent: null,
    }));
    const batch = { activities, sessions, token: () => '' };
    await store.lendWriter((send) => send(batch, 60_000), new AbortController().signal);
    return activities.map(({ id }) => id);
  }

  const claimOf = (
    session: string,
    user: string,
    activity: string | undefined,
    hour: number,
  ): SessionClaim => ({
    session,
    user,
    userName: `Name of ${user}`,
    activities: [activity ?? ''],
    until: at(hour),
  });

  /** Writes a session with two anonymous visits and a login, and returns the claim. */
  async function writeLogin(session = 's', user = 'u'): Promise<SessionClaim> {
    const ids = await write(
      { session, visit: `${session}-1`, hour: 0 },
      { session, visit: `${session}-2`, hour: 2 },
      { session, visit: `${session}-3`, user, hour: 4 },
    );
    return claimOf(session, user, ids[2], 4);
  }

  const usersOf = async (table: 'djaffar_activity' | 'djaffar_visit FINAL'): Promise<(string | null)[]> => {
    const order = table === 'djaffar_activity' ? 'visitId' : 'id';
    const rows = await engine.query<{ userId: string | null }>(
      `SELECT userId FROM ${table} ORDER BY ${order}`,
    );
    return rows.map(({ userId }) => userId);
  };

  /** Asks the statistics, so that they are brought up to date. */
  const visitsOf = async (): Promise<(string | null)[]> => {
    const question = { filter: parseStatisticsFilter({}), dependsOn: [] };
    await store.statistics.read(question, async () => ({}));
    return usersOf('djaffar_visit FINAL');
  };

  const isExact = async (): Promise<void> =>
    expect(await store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });

  /** Calls a function before the statements that contain a text, the first time. */
  function beforeStatement(part: string, work: () => Promise<void>): void {
    const command = engine.command.bind(engine);
    let isFirst = true;
    jest.spyOn(engine, 'command').mockImplementation(async (sql, ...others) => {
      if (isFirst && sql.includes(part)) {
        isFirst = false;
        await work();
      }
      await command(sql, ...others);
    });
  }

  const MARK = 'INSERT INTO djaffar_dirty_visit';
  const CHANGE = 'UPDATE userId';
  const REBUILD = 'INSERT INTO djaffar_visit (id, startedAt';

  it('of many sessions is one statement', async () => {
    const given: SessionClaim[] = [];
    for (const n of ['1', '2', '3']) given.push(await writeLogin(n, `u${n}`));
    const changes = jest.spyOn(engine, 'command');
    expect(await claims.claim(given)).toEqual([true, true, true]);
    expect(changes.mock.calls.filter(([sql]) => sql.includes(CHANGE))).toHaveLength(1);
    expect(await usersOf('djaffar_activity')).toEqual(['u1', 'u1', 'u1', 'u2', 'u2', 'u2', 'u3', 'u3', 'u3']);
    expect(await usersOf('djaffar_visit FINAL')).toContain('u3');
    await isExact();
    changes.mockClear();
    expect(await claims.claim(given)).toEqual([true, true, true]);
    expect(changes).not.toHaveBeenCalled();
  });

  it('takes as many sessions with as long names as there may be', async () => {
    const long = 'ä'.repeat(255);
    const names = Array.from({ length: 1100 }, (_, i) => String(i));
    const ids = await write(
      ...names.flatMap((n) => [
        { session: long + n, visit: `${n}-1`, hour: 0 },
        { session: long + n, visit: `${n}-2`, user: n + long, hour: 4 },
      ]),
    );
    const given = names.map((n, i) => claimOf(long + n, n + long, ids[2 * i + 1], 4));
    const command = jest.spyOn(engine, 'command');
    await claims.claim(given);
    const changes = command.mock.calls.map(([sql]) => sql).filter((sql) => sql.includes(CHANGE));
    // The limit of a node of Keeper is 1 MiB.
    expect(Math.max(...changes.map((sql) => Buffer.byteLength(sql)))).toBeLessThan(2 ** 19);
    expect(await engine.query('SELECT count() AS count FROM djaffar_activity WHERE userId IS NULL')).toEqual([
      { count: 0 },
    ]);
    expect(
      await engine.query(
        `SELECT uniqExact(userId) AS users, countIf(userName != concat('Name of ', userId)) AS wrong FROM djaffar_activity`,
      ),
    ).toEqual([{ users: names.length, wrong: 0 }]);
  });

  it('changes activities that were written in other months', async () => {
    const claim = await writeLogin();
    const month = 31 * 24 * HOUR;
    await engine.command(
      `INSERT INTO djaffar_activity SELECT * REPLACE (generateUUIDv4() AS id, writtenAt - ${month} AS writtenAt)
      FROM djaffar_activity WHERE userId IS NULL`,
    );
    expect(await claims.claim([claim])).toEqual([true]);
    expect(await usersOf('djaffar_activity')).toEqual(Array.from({ length: 5 }, () => 'u'));
    await isExact();
  });

  it('changes all months in one statement if there are replicas', async () => {
    const claim = await writeLogin();
    await engine.close();
    engine = new Server(toClickHouseSettings({ url: server.url, database, replicated: true }), 60_000, 4);
    claims = claimsWithin();
    const sync = jest.spyOn(engine, 'sync').mockResolvedValue();
    const command = jest.spyOn(engine, 'command');
    expect(await claims.claim([claim])).toEqual([true]);
    expect(await usersOf('djaffar_activity')).toEqual(['u', 'u', 'u']);
    const changes = command.mock.calls.map(([sql]) => sql).filter((sql) => sql.includes(CHANGE));
    expect(changes).toHaveLength(1);
    expect(changes[0]).toContain('writtenAt >=');
    expect(changes[0]).not.toContain('IN PARTITION');
    const read = ['djaffar_activity', 'djaffar_session', 'djaffar_cookieless_visit'];
    expect(sync.mock.calls[0]).toEqual([{}, read]);
  });

  it('may have waited for two hours', async () => {
    const claim = await writeLogin();
    await engine.command(
      `INSERT INTO djaffar_activity SELECT * REPLACE (writtenAt - ${2 * HOUR} AS writtenAt) FROM djaffar_activity`,
    );
    await engine.command(
      `DELETE FROM djaffar_activity WHERE writtenAt > toUnixTimestamp64Milli(now64(3)) - ${HOUR}`,
    );
    expect(await claims.claim([claim])).toEqual([true]);
    expect(await usersOf('djaffar_activity')).toEqual(['u', 'u', 'u']);
  });

  it('leaves what was written after the user’s activity to the next one', async () => {
    const claim = await writeLogin();
    await engine.command(
      `INSERT INTO djaffar_activity SELECT * REPLACE (generateUUIDv4() AS id, 's-0' AS visitId, writtenAt + 1 AS writtenAt)
      FROM djaffar_activity WHERE date = ${at(0).getTime()}`,
    );
    await claims.claim([claim]);
    expect(await usersOf('djaffar_activity')).toEqual([null, 'u', 'u', 'u']);
  });

  it('of two instances at the same moment is done once', async () => {
    const claim = await writeLogin();
    beforeStatement(CHANGE, async () => {
      expect(await store.sessionClaims?.claim([claim])).toEqual([true]);
    });
    expect(await claims.claim([claim])).toEqual([true]);
    expect(await usersOf('djaffar_activity')).toEqual(['u', 'u', 'u']);
    await isExact();
  });

  describe.each(['erase', 'anonymise'] as const)('if the user is given to %s at the same time,', (kind) => {
    const selection = { filter: { user: 'u' }, keepAnonymous: false };
    const forget = (): Promise<number> =>
      kind === 'erase' ? store.erase(selection, () => {}) : store.anonymise(selection, [], () => {});

    async function expectForgotten(): Promise<void> {
      expect(await usersOf('djaffar_activity')).not.toContain('u');
      expect(await visitsOf()).not.toContain('u');
      await isExact();
    }

    /** Begins, and stops before the marks. Returns a function that continues, and resolves when the user's activities are removed. */
    async function begin(): Promise<{ removed: () => Promise<void>; done: () => Promise<number> }> {
      const mark = Reflect.get(DirtyVisits.prototype, 'mark');
      let goOn = (): void => {};
      const mayGoOn = new Promise<void>((resolve) => (goOn = resolve));
      const reached = new Promise<void>((resolve) => {
        jest.spyOn(DirtyVisits.prototype, 'mark').mockImplementation(async function (
          this: DirtyVisits,
          ...given
        ) {
          const isOfClaim = given.length > 3;
          if (!isOfClaim) {
            resolve();
            await mayGoOn;
          }
          await mark.apply(this, given);
        });
      });
      const forgotten = forget();
      await reached;
      return {
        removed: async () => {
          goOn();
          await until(async () => {
            const [row] = await engine.query<{ count: number }>(
              `SELECT count() AS count FROM djaffar_activity WHERE userId = 'u'`,
            );
            return row?.count === 0;
          });
        },
        done: () => forgotten,
      };
    }

    it('and is before the marks, gives nothing', async () => {
      const claim = await writeLogin();
      beforeStatement(MARK, async () => void (await forget()));
      await claims.claim([claim]);
      expect(await usersOf('djaffar_activity')).toContain(null);
      await expectForgotten();
    });

    it.each([
      ['between the marks and the change', CHANGE],
      ['between the change and the visits', REBUILD],
    ])('and is %s, leaves nothing', async (_, statement) => {
      const claim = await writeLogin();
      await visitsOf();
      const { removed, done } = await begin();
      beforeStatement(statement, removed);
      expect(await claims.claim([claim])).toEqual([true]);
      expect(await done()).toBeGreaterThan(0);
      await expectForgotten();
    });

    it('and the claim begins and ends while the activities are removed, leaves nothing', async () => {
      const claim = await writeLogin();
      const command = Reflect.get(Server.prototype, 'command');
      const removal = kind === 'erase' ? 'DELETE FROM djaffar_activity' : `${CHANGE} = NULL`;
      let remove: (() => Promise<void>) | undefined;
      jest.spyOn(Server.prototype, 'command').mockImplementation(async function (this: Server, ...given) {
        const [sql] = given;
        if (this === engine && sql.includes(CHANGE)) await remove?.();
        if (this === engine || remove || !sql.includes(removal)) return command.apply(this, given);
        remove = () => command.apply(this, given);
        expect(await claims.claim([claim])).toEqual([true]);
      });
      await forget();
      expect(remove).toBeDefined();
      await expectForgotten();
    });

    it('and an earlier try ended after its change, waits for the claim', async () => {
      const claim = await writeLogin();
      let forgotten: Promise<number> | undefined;
      beforeStatement(CHANGE, async () => {
        await engine.command(`DELETE FROM djaffar_activity WHERE userId = 'u'`);
        forgotten = forget();
      });
      await claims.claim([claim]);
      expect(await forgotten).toBe(2);
      await expectForgotten();
    });

    it('and the process of the claim has ended after the change, leaves nothing', async () => {
      const claim = await writeLogin();
      claims = claimsWithin(SOON);
      beforeStatement(REBUILD, () => Promise.reject(new Error('ended')));
      await expect(claims.claim([claim])).rejects.toThrow('ended');
      expect(await usersOf('djaffar_activity')).toEqual(['u', 'u', 'u']);
      await forget();
      await expectForgotten();
    });

    it('has no effect if it comes too late', async () => {
      const claim = await writeLogin();
      claims = claimsWithin(SOON);
      let forgotten = 0;
      beforeStatement(CHANGE, async () => void (forgotten = await forget()));
      await claims.claim([claim]);
      expect(forgotten).toBe(1);
      await expectForgotten();
    });
  });

  it.each<ParsedFilter>([{ session: 's' }, { path: '/' }, { to: at(9).getTime() }])(
    'is not waited for if %j is removed',
    async (filter) => {
      await writeLogin();
      await engine.command(
        `INSERT INTO djaffar_dirty_visit (change, visitId, sessionId, claimUntil)
        SELECT generateUUIDv4(), 's-1', 's', toUnixTimestamp64Milli(now64(3)) + ${HOUR}`,
      );
      expect(await store.anonymise({ filter, keepAnonymous: false }, [], () => {})).toBe(3);
      const gone = { ...filter, session: undefined };
      expect(await store.erase({ filter: gone, keepAnonymous: false }, () => {})).toBe(3);
    },
  );

  it('is completed by the next question if the process ended after the change', async () => {
    const claim = await writeLogin();
    expect(await visitsOf()).toEqual([null, null, 'u']);
    beforeStatement(REBUILD, () => Promise.reject(new Error('ended')));
    await expect(claims.claim([claim])).rejects.toThrow('ended');
    expect(await usersOf('djaffar_visit FINAL')).toEqual([null, null, 'u']);
    expect(await visitsOf()).toEqual(['u', 'u', 'u']);
    await isExact();
  });

  it('that ended halfway is rebuilt for some minutes', async () => {
    const claim = await writeLogin();
    beforeStatement(REBUILD, () => Promise.reject(new Error('ended')));
    await expect(claims.claim([claim])).rejects.toThrow('ended');
    await engine.command(`INSERT INTO djaffar_session (id, startedAt) VALUES ('unused', 0)`);
    const remark = (minutesAgo: number): Promise<void> =>
      engine.command(
        `INSERT INTO djaffar_dirty_visit (change, visitId, sessionId, claimUntil)
        SELECT DISTINCT generateUUIDv4() AS change, visitId, 'unused', toUnixTimestamp64Milli(now64(3)) - ${minutesAgo * MINUTE}
        FROM djaffar_dirty_visit`,
      );
    await remark(14);
    await remark(16);
    expect(await visitsOf()).toEqual(['u', 'u', 'u']);
    const left = await engine.query(
      `SELECT DISTINCT intDiv(toUnixTimestamp64Milli(now64(3)) - claimUntil, ${MINUTE}) AS minutesAgo FROM djaffar_dirty_visit
      WHERE sessionId = 'unused'`,
    );
    expect(left).toEqual([{ minutesAgo: 14 }]);
    expect(await engine.query(`SELECT 1 FROM djaffar_session WHERE id = 'unused'`)).toHaveLength(1);
  });

  it('is done by the next one if the process ended before the change', async () => {
    const claim = await writeLogin();
    beforeStatement(CHANGE, () => Promise.reject(new Error('ended')));
    await expect(claims.claim([claim])).rejects.toThrow('ended');
    expect(await visitsOf()).toEqual([null, null, 'u']);
    expect(await claims.claim([claim])).toEqual([true]);
    expect(await visitsOf()).toEqual(['u', 'u', 'u']);
    await isExact();
  });

  it('is not sent if the marks took too long', async () => {
    const claim = await writeLogin();
    claims = claimsWithin(0);
    expect(await claims.claim([claim])).toEqual([false]);
    expect(await usersOf('djaffar_activity')).toEqual([null, null, 'u']);
  });
});
