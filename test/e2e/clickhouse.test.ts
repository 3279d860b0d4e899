import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text as readText } from 'node:stream/consumers';
import { createClient } from '@clickhouse/client';
import { Test } from '@nestjs/testing';
import { fillStatements } from '../../bench/clickhouse/fill.js';
import { clickHouse } from '../../lib/store/clickhouse/index.js';
import { toClickHouseSettings } from '../../lib/store/clickhouse/clickhouse.options.js';
import { Anonymisation } from '../../lib/store/clickhouse/anonymisation.js';
import { DirtyVisits } from '../../lib/store/clickhouse/dirty-visits.js';
import { loadSalts } from '../../lib/store/clickhouse/cookieless.js';
import { classifyFailure } from '../../lib/store/clickhouse/failure.js';
import type { Salt } from '../../lib/privacy/salt.js';
import { migrate } from '../../lib/store/clickhouse/migrations.js';
import { PersonalData } from '../../lib/store/clickhouse/personal-data.js';
import { Reader } from '../../lib/store/clickhouse/reader.js';
import { Sessions } from '../../lib/store/clickhouse/sessions.js';
import { DjaffarModule, type DjaffarOptions, type Session } from '../../lib/index.js';
import { COLUMNS, rebuildVisits, visitsSql } from '../../lib/store/clickhouse/statistics/visit-builder.js';
import { listVisitRanges } from '../../lib/store/clickhouse/statistics/visit-selection.js';
import { Server } from '../../lib/store/clickhouse/server.js';
import { ActivityWriter } from '../../lib/activity/activity.writer.js';
import { parseUserAgent } from '../../lib/activity/user-agent.js';
import { parseStatisticsFilter } from '../../lib/statistics/statistics-filter.js';
import { DEFAULTS } from '../../lib/options/settings.js';
import type { Store } from '../../lib/store/store.js';
import type { Batch } from '../../lib/store/batch.js';
import { monotonicClock } from '../../lib/time/clock.js';
import { STORES } from '../support/databases.js';
import { type ClickHouseServer, startClickHouse } from '../support/clickhouse/clickhouse.js';
import { TcpProxy } from '../support/tcp-proxy.js';
import { until } from '../support/until.js';

const SESSION = {
  id: 's',
  startedAt: new Date(),
  ...parseUserAgent('Firefox'),
  country: null,
  language: null,
  consent: null,
};
const UNHURRIED = {
  ...DEFAULTS,
  page: (path: string) => path,
  statistics: { ...DEFAULTS.statistics, maxWait: 60_000 },
};
const SETTINGS = { ...DEFAULTS, page: (path: string) => path };

describe('the options of clickHouse()', () => {
  it.each<[object, string]>([
    [{ url: 'localhost' }, 'the option "url" is "localhost"; allowed: an http:// or https:// URL'],
    [{ database: 'a b' }, 'the option "database" is "a b"'],
    [{ cluster: '`' }, 'the option "cluster" is "`"'],
    [{ pause: -1 }, 'the option "pause" is -1'],
    [{ claimPause: 0.5 }, 'the option "claimPause" is 0.5'],
    [{ host: 'localhost' }, 'the option "host" is not known; allowed: one of url, database'],
  ])('%j are refused', (options, message) => {
    expect(() => clickHouse(options)).toThrow(message);
  });
});

describe('options that need what is not built', () => {
  const start = (options: DjaffarOptions): Promise<unknown> =>
    Test.createTestingModule({
      imports: [DjaffarModule.forRoot({ store: clickHouse(), ...options })],
    }).compile();

  it('retention.figures is refused when the application starts', async () => {
    const options: DjaffarOptions = {
      retention: { keep: '2 years', figures: 'keep', anonymiseAfter: '1 years' },
    };
    const fault =
      "Djaffar: ClickHouse does not support this option yet: retention.figures: 'keep'; change or remove it";
    await expect(start(options)).rejects.toThrow(new Error(fault));
  });

  it('are not those that erase and anonymise', () => {
    const retention: DjaffarOptions['retention'] = {
      keep: '2 years',
      figures: 'erase',
      anonymiseAfter: '1 years',
    };
    expect(() => clickHouse().create({ ...SETTINGS, retention })).not.toThrow();
  });
});

describe('the tables on a cluster', () => {
  it('are created on it, and replicated', async () => {
    const commands: string[] = [];
    const settings = toClickHouseSettings({ cluster: 'main', replicated: true, database: 'app' });
    const server = {
      settings,
      command: async (sql: string) => void commands.push(sql),
      query: async () => [],
    };
    await migrate(server, server);
    expect(commands[0]).toBe('CREATE DATABASE IF NOT EXISTS `app` ON CLUSTER `main`');
    const tables = commands.filter((sql) => sql.startsWith('CREATE TABLE'));
    const names = new Set(tables.map((sql) => /djaffar_\w+/.exec(sql)?.[0]));
    expect(names).toEqual(
      new Set([
        'djaffar_activity',
        'djaffar_cookieless_visit',
        'djaffar_dirty_visit',
        'djaffar_migration',
        'djaffar_outcome',
        'djaffar_salt',
        'djaffar_session',
        'djaffar_signing_key',
        'djaffar_state',
        'djaffar_visit',
      ]),
    );
    expect(tables).toHaveLength(names.size);
    for (const sql of tables)
      expect(sql).toMatch(/ ON CLUSTER `main` \(.*ENGINE = Replicated\w*MergeTree\(/s);
    expect(tables.join('')).not.toContain('fsync');
  });
});

(STORES.includes('clickhouse') ? describe : describe.skip)('a store on ClickHouse', () => {
  let server: ClickHouseServer;

  beforeAll(async () => {
    server = await startClickHouse();
  });

  afterAll(() => server.stop());

  async function startTwo(): Promise<[Server, Server]> {
    const settings = toClickHouseSettings({ url: server.url, database: await server.createDatabase() });
    const [one, other] = [new Server(settings, 60_000, 2), new Server(settings, 60_000, 2)];
    await migrate(one, one);
    return [one, other];
  }

  const make = (instance: Server, period = 7): Promise<Salt[]> =>
    loadSalts(instance, () => ({ period, secret: randomUUID() }), { timeout: 60_000 });

  it('has one salt of two instances that make it at the same moment', async () => {
    const [one, other] = await startTwo();
    const insert = other.insert.bind(other);
    let first: Salt[] = [];
    // Both have found no salt.
    jest.spyOn(other, 'insert').mockImplementationOnce(async (...given) => {
      first = await make(one);
      await insert(...given);
    });
    expect(await make(other)).toEqual(first);
    await one.close();
    await other.close();
  });

  it('says which version is needed if the server does not know a setting', async () => {
    const [one, other] = await startTwo();
    const refused: unknown = await one
      .command('SELECT 1', {}, { not_known_before_version_99: 1 })
      .catch((error: unknown) => error);
    expect(classifyFailure(refused)?.advice).toContain('needs version 25.6 or newer');
    await one.close();
    await other.close();
  });

  it('has a salt also if that of the latest turn was deleted', async () => {
    const [one, other] = await startTwo();
    await make(one);
    await one.command('ALTER TABLE djaffar_salt DELETE WHERE true', {}, { mutations_sync: '2' });
    const [salt] = await make(one, 8);
    expect(salt?.period).toBe(8);
    expect(await make(other, 8)).toEqual([salt]);
    await one.close();
    await other.close();
  });

  function batchOf(path: string, sessions: Session[] = []): Batch {
    const none = { page: null, route: null, referer: null, properties: null, subject: null, userId: null };
    const others = {
      userName: null,
      groupId: null,
      groupName: null,
      sessionId: null,
      visitId: null,
      ipAddress: null,
      interactive: null,
    };
    const [id, date] = ['00000000-0000-4000-8000-000000000001', new Date()];
    return {
      activities: [{ ...none, ...others, id, date, receivedAt: date, name: 'view', path }],
      sessions,
      token: () => '',
    };
  }

  function write(store: Store, batch: Batch, within: number): Promise<void> {
    return store.lendWriter((send) => send(batch, within), new AbortController().signal);
  }

  it('creates a missing database and its tables once, however often it is migrated', async () => {
    const database = await server.createDatabase();
    await server.query(`DROP DATABASE ${database}`);
    const open = clickHouse({ url: server.url, database });
    const store = await open.create(SETTINGS);
    const error: unknown = await store.count({}).catch((reason: unknown) => reason);
    expect(String(error)).toContain('run "djaffar migrate"');
    const cause = error instanceof Error ? error.cause : undefined;
    expect(store.classifyError(cause)).toMatchObject({ kind: 'schema', isNotMigrated: true });
    await store.migrate();
    await write(store, batchOf('/'), 60_000);
    await store.migrate();
    expect(await store.count({})).toBe(1);
    expect(await server.query(`SELECT version FROM ${database}.djaffar_migration`)).toEqual([{ version: 1 }]);
    await store.close();
    expect(store.isOpen).toBe(false);
  });

  it('has the tables that the benchmark fills', async () => {
    const database = await server.createDatabase();
    const store = await clickHouse({ url: server.url, database }).create(SETTINGS);
    await store.migrate();
    const client = createClient({ url: server.url, database });
    try {
      for (const query of fillStatements(2000)) await client.command({ query });
      expect(await store.count({})).toBeGreaterThan(1000);
      const sessions = await server.query(`SELECT count() AS count FROM ${database}.djaffar_session`);
      expect(sessions).toEqual([{ count: 40 }]);
    } finally {
      await client.close();
      await store.close();
    }
  });

  it('gives a write up that the server does not answer in time, and stores it once when it is tried again', async () => {
    const database = await server.createDatabase();
    const proxy = await TcpProxy.start(server.url);
    const store = await clickHouse({ url: `http://127.0.0.1:${proxy.port}`, database }).create(SETTINGS);
    try {
      await store.migrate();
      proxy.silence();
      const error: unknown = await write(store, batchOf('/'), 200).catch((reason: unknown) => reason);
      expect(store.classifyError(error)).toMatchObject({ kind: 'transient' });
      proxy.heal();
      await write(store, batchOf('/'), 60_000);
      await write(store, batchOf('/again'), 60_000);
      expect((await store.page({}, { limit: 10, order: 'asc' })).map(({ path }) => path)).toEqual(['/']);
    } finally {
      await store.close();
      await proxy.close();
    }
  });

  it('says that a server which is not there cannot be reached', async () => {
    const store = await clickHouse({ url: 'http://127.0.0.1:9' }).create(SETTINGS);
    const error: unknown = await write(store, batchOf('/'), 5000).catch((reason: unknown) => reason);
    expect(store.classifyError(error)).toMatchObject({ kind: 'transient', code: 'ECONNREFUSED' });
    await expect(store.count({})).rejects.toThrow('the database did not answer');
    await store.close();
  });

  it('has the server end a question whose caller has gone', async () => {
    const statements: { id: string | null; sql: string }[] = [];
    /** Answers nothing but `KILL`. */
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      const id = new URL(request.url ?? '', 'http://localhost').searchParams.get('query_id');
      const sql = await readText(request);
      statements.push({ id, sql });
      if (sql.startsWith('KILL')) response.end();
    };
    const silent = createServer((request, response) => void answer(request, response));
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const { port } = silent.address() as AddressInfo;
    const engine = new Server(toClickHouseSettings({ url: `http://127.0.0.1:${port}` }), 60_000, 2);
    try {
      const caller = new AbortController();
      const asked = engine.query('SELECT 1', { signal: caller.signal });
      await until(() => statements.length === 1);
      caller.abort(new Error('gone'));
      await expect(asked).rejects.toThrow('gone');
      await until(() => statements.length === 2);
      expect(statements[1]?.sql).toBe(`KILL QUERY WHERE query_id = '${statements[0]?.id}' ASYNC`);
    } finally {
      await engine.close();
      silent.close();
    }
  });

  it.each([
    ['erased', 0],
    ['anonymised', 2],
  ])('removes what is %s from the disk', async (change, left) => {
    const database = await server.createDatabase();
    const store = await clickHouse({ url: server.url, database }).create(SETTINGS);
    await store.migrate();
    const { activities, ...batch } = batchOf('/secret', [{ ...SESSION, bot: false }]);
    const written = activities.flatMap((activity) =>
      ['u', 'another'].flatMap((userId) =>
        ['1', '2'].map((n) => ({
          ...activity,
          id: randomUUID(),
          userId,
          sessionId: userId === 'u' ? 's' : null,
          visitId: `${userId}${n}`,
        })),
      ),
    );
    await write(store, { ...batch, activities: written }, 60_000);
    await store.check();
    const selection = { filter: { user: 'u' }, keepAnonymous: false };
    await (change === 'erased' ? store.erase(selection, () => {}) : store.anonymise(selection, [], () => {}));
    // Nobody waits for it but this test.
    const pending = `SELECT 1 FROM system.mutations WHERE database = '${database}' AND NOT is_done`;
    while ((await server.query(pending)).length > 0);
    const count = async (rows: string): Promise<unknown[]> =>
      server.query(`SELECT count() AS count FROM ${database}.${rows} SETTINGS apply_deleted_mask = 0`);
    expect(await count("djaffar_activity WHERE userId = 'u'")).toEqual([{ count: 0 }]);
    expect(await count('djaffar_activity')).toEqual([{ count: 2 + left }]);
    expect(await count("djaffar_visit WHERE userId = 'u' OR sessionId = 's'")).toEqual([{ count: 0 }]);
    expect(await count("djaffar_visit WHERE userId = 'another'")).toEqual([{ count: 2 }]);
    // The newest rows are left, also those that mark deleted visits.
    expect(await count('djaffar_visit')).toEqual([{ count: 4 }]);
    expect(await count('djaffar_session')).toEqual([{ count: 0 }]);
    expect(await count('djaffar_dirty_visit')).toEqual([{ count: 0 }]);
    expect(await store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
    await store.close();
  });

  it('deletes the sessions of an erasure that did not come to its end', async () => {
    const database = await server.createDatabase();
    const store = await clickHouse({ url: server.url, database }).create(UNHURRIED);
    await store.migrate();
    const session = SESSION;
    const { activities, ...batch } = batchOf('/secret', [session]);
    const written = activities.map((activity) => ({ ...activity, sessionId: 's' }));
    await write(store, { ...batch, activities: written }, 60_000);
    await server.query(`RENAME TABLE ${database}.djaffar_session TO ${database}.away`);
    const erasure = store.erase({ filter: { path: '/secret' }, keepAnonymous: false }, () => {});
    await expect(erasure).rejects.toThrow('djaffar_session');
    expect(await store.count({})).toBe(0);
    await server.query(`RENAME TABLE ${database}.away TO ${database}.djaffar_session`);
    const sessions = `SELECT id FROM ${database}.djaffar_session`;
    expect(await server.query(sessions)).toEqual([{ id: 's' }]);
    await store.statistics.read({ filter: parseStatisticsFilter({}), dependsOn: [] }, async () => ({}));
    expect(await server.query(sessions)).toEqual([]);
    await store.close();
  });

  it('stores a session again that an erasure deleted while an activity of it was written', async () => {
    const database = await server.createDatabase();
    const store = await clickHouse({ url: server.url, database }).create(SETTINGS);
    await store.migrate();
    const writer = new ActivityWriter(store, DEFAULTS.writer);
    const { activities } = batchOf('/');
    const written = activities.map((activity) => ({ ...activity, sessionId: 's' }));
    await writer.write(written, { id: 's', row: () => SESSION });
    await server.query(`TRUNCATE TABLE ${database}.djaffar_session`);
    await writer.sessions.check();
    expect(await server.query(`SELECT id FROM ${database}.djaffar_session`)).toEqual([{ id: 's' }]);
    await store.close();
  });

  it('rebuilds many visits in portions, none twice and none left out', async () => {
    const database = await server.createDatabase();
    const store = await clickHouse({ url: server.url, database }).create(SETTINGS);
    const engine = new Server(toClickHouseSettings({ url: server.url, database }), 60_000, 2);
    const queries = jest.spyOn(engine, 'command');
    try {
      await store.migrate();
      for (const query of fillStatements(2000)) await engine.command(query);
      queries.mockClear();
      // 200 visits, so 29 portions; each is one statement for visits that exist, and one for those that do not.
      const dirty = new DirtyVisits(engine, 7);
      await dirty.rebuildAround((change) => dirty.mark(change, 'true'));
      expect(queries).toHaveBeenCalledTimes(1 + 2 * 29 + 1);
      const [counts] = await server.query(
        `SELECT count() AS rows, uniqExact(id) AS visits, sum(activities) AS activities FROM ${database}.djaffar_visit`,
      );
      const activities = await store.count({});
      expect(counts).toEqual({ rows: 200, visits: 200, activities });
      expect(await engine.query('SELECT 1 FROM djaffar_dirty_visit')).toEqual([]);
    } finally {
      await engine.close();
      await store.close();
    }
  });

  it('streams the data of a person in pages, and each record once', async () => {
    const database = await server.createDatabase();
    const store = await clickHouse({ url: server.url, database }).create(SETTINGS);
    const engine = new Server(toClickHouseSettings({ url: server.url, database }), 60_000, 2);
    try {
      await store.migrate();
      const { activities, ...batch } = batchOf('/');
      const names = Array.from({ length: 7 }, (_, i) => String(i));
      const written = activities.flatMap((activity) =>
        names.map((n) => ({
          ...activity,
          id: randomUUID(),
          userId: 'u',
          sessionId: `s${n}`,
          visitId: `v${n}`,
        })),
      );
      const sessions = names.map((n) => ({ ...SESSION, id: `s${n}` }));
      await write(store, { ...batch, activities: written, sessions }, 60_000);
      await store.check();
      const ownSessions = new Sessions(engine, new DirtyVisits(engine));
      const reader = new Reader(engine, ownSessions, async () => 0);
      const selection = { filter: { user: 'u' }, keepAnonymous: false };
      // The last page is full, or not.
      for (const size of [2, 7]) {
        const found: string[] = [];
        const records = new PersonalData(engine, ownSessions, reader, size).stream(selection);
        for await (const { kind, data } of records) found.push(`${kind} ${data.id}`);
        expect(found).toEqual([
          ...names.map((n) => `session s${n}`),
          ...names.map((n) => `visit v${n}`),
          ...written.map(({ id }) => `activity ${id}`).toSorted(),
        ]);
      }
    } finally {
      await engine.close();
      await store.close();
    }
  });

  it('says if the data of a person cannot be read', async () => {
    const store = await clickHouse({ url: 'http://127.0.0.1:9' }).create(SETTINGS);
    const records = store.personalData({ filter: { user: 'u' }, keepAnonymous: false });
    await expect(records.next()).rejects.toThrow('the database did not answer');
    await store.close();
  });

  describe('an anonymisation', () => {
    let database: string;
    let store: Store;
    let engine: Server;
    let sessions: Sessions;

    const ALL = { filter: {}, keepAnonymous: true };
    const NAMES = Array.from({ length: 9 }, (_, i) => String(i));

    beforeEach(async () => {
      database = await server.createDatabase();
      store = await clickHouse({ url: server.url, database }).create(SETTINGS);
      engine = new Server(toClickHouseSettings({ url: server.url, database }), 60_000, 2);
      sessions = new Sessions(engine, new DirtyVisits(engine));
      await store.migrate();
      const { activities, ...batch } = batchOf('/');
      const written = [null, ...NAMES].flatMap((n) =>
        activities.map((activity) => ({
          ...activity,
          id: randomUUID(),
          userId: 'u',
          sessionId: n,
          visitId: n,
        })),
      );
      // Every second one is a bot.
      const rows = NAMES.map((id) => ({ ...SESSION, id, bot: Number(id) % 2 === 1 }));
      await write(store, { ...batch, activities: written, sessions: rows }, 60_000);
      await store.check();
    });

    afterEach(async () => {
      await engine.close();
      await store.close();
    });

    const run = (botsAtOnce?: number): Promise<number> =>
      new Anonymisation(engine, sessions, new DirtyVisits(engine), [], () => {}, botsAtOnce).run(ALL);
    const rowsOf = async (sql: string): Promise<unknown[]> =>
      (await engine.query<{ value: unknown }>(sql)).map(({ value }) => value);

    async function expectAnonymous(): Promise<void> {
      const bots = NAMES.filter((id) => Number(id) % 2 === 1);
      expect(await store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
      expect(await rowsOf('SELECT userId AS value FROM djaffar_activity WHERE userId IS NOT NULL')).toEqual(
        [],
      );
      expect(
        await rowsOf(
          'SELECT sessionId AS value FROM djaffar_activity WHERE sessionId IS NOT NULL ORDER BY value',
        ),
      ).toEqual(bots);
      expect(await rowsOf('SELECT id AS value FROM djaffar_session ORDER BY value')).toEqual(bots);
      expect(
        await rowsOf(
          'SELECT id AS value FROM djaffar_visit FINAL WHERE userId IS NOT NULL OR (sessionId IS NOT NULL AND NOT bot)',
        ),
      ).toEqual([]);
      expect(await rowsOf('SELECT count() AS value FROM djaffar_visit FINAL WHERE bot')).toEqual([
        bots.length,
      ]);
    }

    it.each([1, 2, 4, 100])('lists %i bots in a statement', async (botsAtOnce) => {
      const changes = jest.spyOn(engine, 'command');
      expect(await run(botsAtOnce)).toBe(10);
      const updates = changes.mock.calls.filter(([sql]) => sql.includes('UPDATE userId'));
      // The last list is not full.
      expect(updates.length).toBe(Math.floor(4 / botsAtOnce) + 1);
      await expectAnonymous();
      expect(await run(botsAtOnce)).toBe(0);
    });

    it('is done by the next one if the process ended before the change', async () => {
      const command = engine.command.bind(engine);
      jest.spyOn(engine, 'command').mockImplementation(async (sql, ...others) => {
        if (sql.includes('UPDATE userId')) throw new Error('ended');
        await command(sql, ...others);
      });
      await expect(run()).rejects.toThrow('ended');
      jest.restoreAllMocks();
      expect(await store.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
      expect(await rowsOf('SELECT count() AS value FROM djaffar_session')).toEqual([9]);
      expect(await run()).toBe(10);
      await expectAnonymous();
    });

    it('is completed by the next question if the process ended after the change', async () => {
      jest.spyOn(sessions, 'deleteUnused').mockRejectedValue(new Error('ended'));
      await expect(run()).rejects.toThrow('ended');
      expect(await rowsOf('SELECT count() AS value FROM djaffar_session')).toEqual([9]);
      await store.statistics.read({ filter: parseStatisticsFilter({}), dependsOn: [] }, async () => ({}));
      await expectAnonymous();
      expect(await run()).toBe(0);
    });
  });

  describe('all visits in ranges of their ids', () => {
    let database: string;
    let store: Store;
    let engine: Server;

    beforeEach(async () => {
      database = await server.createDatabase();
      store = await clickHouse({ url: server.url, database }).create(SETTINGS);
      engine = new Server(toClickHouseSettings({ url: server.url, database }), 60_000, 2);
      await store.migrate();
      for (const query of fillStatements(2000)) await engine.command(query);
      // Visits with ids of another program, of other lengths, and far from the start that an id seems to contain.
      const ids = [
        ...Array.from({ length: 40 }, (_, i) => `visit-${i}`),
        ...Array.from({ length: 40 }, (_, i) => `0000000${(i % 10).toString()}foreign${i}`.slice(0, 15)),
      ];
      const { activities, ...batch } = batchOf('/');
      const foreign = activities.flatMap((activity) =>
        ids.map((visitId) => ({ ...activity, id: randomUUID(), visitId })),
      );
      await write(store, { ...batch, activities: foreign }, 60_000);
    });

    afterEach(async () => {
      await engine.close();
      await store.close();
    });

    it('contain each visit once, and about as many activities each', async () => {
      const [all] = await engine.query<{ visits: number }>(
        `SELECT uniqExact(visitId) AS visits FROM djaffar_activity WHERE visitId != ''`,
      );
      const ranges = await listVisitRanges(engine, 16);
      const counts: number[] = [];
      for (const range of ranges) {
        const [row] = await engine.query<{ visits: number }>(
          `SELECT uniqExact(visitId) AS visits FROM djaffar_activity WHERE ${range.matches('visitId')}`,
        );
        counts.push(row?.visits ?? 0);
      }
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(all?.visits);
      // Ten activities are in a visit: a range of 16 has one or two of them, or some of the short ones.
      expect(ranges.length).toBeGreaterThan(50);
      expect(Math.max(...counts)).toBeLessThanOrEqual(16);
    });

    it('are rebuilt like all at once', async () => {
      for (const range of await listVisitRanges(engine, 16)) await rebuildVisits(engine, range);
      const columns = COLUMNS.join(', ');
      const stored = await engine.query(`SELECT ${columns} FROM djaffar_visit FINAL ORDER BY id`);
      const expected = await engine.query(
        `SELECT ${columns} FROM (${visitsSql({ matches: (column) => `${column} != ''`, hours: '1' })}) ORDER BY id`,
      );
      expect(stored).toEqual(expected);
    });

    it('are rebuilt if very many have new activities', async () => {
      await store.check();
      await engine.command(`INSERT INTO djaffar_activity (id, date, receivedAt, name, path, visitId, isNear, writeId)
        SELECT generateUUIDv4(), ${Date.now()}, ${Date.now()}, 'view', '/', toString(number), false, 1 FROM numbers(100001)`);
      expect(await store.check()).toMatchObject({ visits: 0 });
      expect(await engine.query('SELECT count() AS visits FROM djaffar_visit FINAL')).toEqual([
        { visits: 100_251 },
      ]);
      expect(await engine.query('SELECT 1 FROM djaffar_dirty_visit')).toEqual([]);
    });

    it('are compared with the activities: visits that differ in any column, are missing, or should not be there', async () => {
      expect(await store.check()).toMatchObject({ visits: 0 });
      const columns = COLUMNS.slice(1);
      const visits = await engine.query<{ id: string } & Record<string, unknown>>(
        `SELECT ${COLUMNS.join(', ')} FROM djaffar_visit ORDER BY id LIMIT ${columns.length + 2} OFFSET 90`,
      );
      const insert = async (visit: number, replaced: string): Promise<void> => {
        const stored = `SELECT * FROM djaffar_visit FINAL WHERE id = '${visits[visit]?.id ?? ''}'`;
        await engine.command(`INSERT INTO djaffar_visit SELECT * REPLACE (${replaced}) FROM (${stored})`);
      };
      // Each column of another visit.
      for (const [i, column] of columns.entries()) {
        const value = visits[i]?.[column];
        const type = Array.isArray(value) ? 'array' : typeof value;
        const changes: Partial<Record<string, string>> = {
          array: `arrayResize(${column}, length(${column}) + 1)`,
          boolean: `NOT ${column}`,
          number: `${column} + 1`,
        };
        await insert(i, `${changes[type] ?? "'another'"} AS ${column}, version + 1 AS version`);
      }
      expect(await store.check()).toMatchObject({ visits: columns.length });
      await insert(columns.length, `'another' AS id`);
      await insert(columns.length + 1, '1 AS gone, version + 1 AS version');
      expect(await store.check()).toMatchObject({ visits: columns.length + 2 });
      await store.rebuild();
      expect(await store.check()).toMatchObject({ visits: 0 });
    });
  });

  describe('with two instances', () => {
    let database: string;
    let engine: Server;
    let one: Store;
    let other: Store;
    const question = { filter: parseStatisticsFilter({}), dependsOn: [] };
    const start = async (): Promise<Store> => clickHouse({ url: server.url, database }).create(UNHURRIED);
    const activityOf = (visitId: string): Batch => {
      const { activities, ...batch } = batchOf('/');
      return {
        ...batch,
        activities: activities.map((activity) => ({ ...activity, id: randomUUID(), visitId, userId: 'u' })),
      };
    };
    const visitsOf = (store: Store): Promise<{ id: string; activities: number }[]> =>
      store.statistics
        .read(question, async () => ({
          rows: await engine.query<{ id: string; activities: number }>(
            'SELECT id, activities FROM djaffar_visit FINAL ORDER BY id',
          ),
        }))
        .then(({ rows }) => rows);

    beforeEach(async () => {
      database = await server.createDatabase();
      engine = new Server(toClickHouseSettings({ url: server.url, database }), 60_000, 2);
      one = await start();
      other = await start();
      await one.migrate();
    });

    afterEach(async () => {
      jest.restoreAllMocks();
      for (const each of [one, other, engine]) await each.close();
    });

    it.each([
      [1, 2],
      [Number.POSITIVE_INFINITY, 5],
    ])(
      'asks again if an activity is inserted a second time meanwhile, after %d of the answers',
      async (times, asked) => {
        await write(one, activityOf('v'), 60_000);
        let answers = 0;
        const { count } = await other.statistics.read(question, async () => {
          answers += 1;
          if (answers <= times)
            await engine.command(
              `INSERT INTO djaffar_activity
            SELECT * REPLACE (${Date.now()} AS writtenAt, ${answers} AS writeId) FROM djaffar_activity LIMIT 1`,
            );
          const [row] = await engine.query<{ count: number }>(
            'SELECT count() AS count FROM djaffar_activity',
          );
          return { count: row?.count };
        });
        expect(answers).toBe(asked);
        expect(count).toBe(times === 1 ? 1 : 2);
        expect(await visitsOf(other)).toEqual([{ id: 'v', activities: 1 }]);
      },
    );

    it('has all visits after the clock of the server was ahead', async () => {
      await write(one, activityOf('v1'), 60_000);
      expect(await visitsOf(one)).toHaveLength(1);
      await engine.command(
        `INSERT INTO djaffar_state (name, value) VALUES ('visits', ${Date.now() + 600_000})`,
      );
      await engine.command(
        'INSERT INTO djaffar_visit SELECT * REPLACE (version + 600000000 AS version) FROM djaffar_visit FINAL',
      );
      const restarted = await start();
      try {
        for (const visit of ['v1', 'v2']) await write(restarted, activityOf(visit), 60_000);
        for (const store of [restarted, one])
          expect(await visitsOf(store)).toEqual([
            { id: 'v1', activities: 2 },
            { id: 'v2', activities: 1 },
          ]);
        await write(restarted, activityOf('v3'), 60_000);
        expect(await visitsOf(one)).toHaveLength(3);
      } finally {
        await restarted.close();
      }
    });

    it('erases an activity that becomes visible while the erasure runs from the visits, too', async () => {
      await write(one, activityOf('v1'), 60_000);
      const mark = Reflect.get(DirtyVisits.prototype, 'mark');
      jest.spyOn(DirtyVisits.prototype, 'mark').mockImplementation(async function (
        this: DirtyVisits,
        ...given
      ) {
        await mark.apply(this, given);
        // Written before the erasure began, but not visible then.
        await write(one, { activities: [], sessions: [SESSION], token: () => '' }, 60_000);
        await engine.command(
          `INSERT INTO djaffar_activity
          SELECT * REPLACE (generateUUIDv4() AS id, 'v2' AS visitId, 's' AS sessionId, writtenAt - 1 AS writtenAt)
          FROM djaffar_activity LIMIT 1`,
        );
        expect(await visitsOf(other)).toHaveLength(2);
      });
      await one.erase({ filter: { user: 'u' }, keepAnonymous: false }, () => {});
      expect(await visitsOf(other)).toEqual([]);
      expect(await engine.query('SELECT id FROM djaffar_session FINAL')).toEqual([]);
      expect(await one.check()).toEqual({ visits: 0, sums: 0, pages: 0 });
    });

    it('does not repeat a slow rebuild of marks that another instance has left at each update', async () => {
      await write(one, activityOf('v1'), 60_000);
      await engine.command(
        `INSERT INTO djaffar_dirty_visit (change, visitId, sessionId) VALUES (generateUUIDv4(), 'v1', NULL)`,
      );
      const rebuild = Reflect.get(DirtyVisits.prototype, 'rebuild');
      const now = monotonicClock.now.bind(monotonicClock);
      let late = 0;
      jest.spyOn(monotonicClock, 'now').mockImplementation(() => now() + late);
      const rebuilt = jest.spyOn(DirtyVisits.prototype, 'rebuild').mockImplementation(async function (
        this: DirtyVisits,
        ...given
      ) {
        await rebuild.apply(this, given);
        late += 1000;
      });
      for (let i = 0; i < 3; i++) await visitsOf(other);
      expect(rebuilt).toHaveBeenCalledTimes(1);
      late += 60_000;
      await visitsOf(other);
      expect(rebuilt).toHaveBeenCalledTimes(2);
    });
  });

  it('leaves nothing of a batch that it can never take', async () => {
    const database = await server.createDatabase();
    const store = await clickHouse({ url: server.url, database }).create(SETTINGS);
    await store.migrate();
    const { activities, ...batch } = batchOf('/', [SESSION]);
    const impossible = activities.map((activity) => Object.assign(activity, { interactive: 'maybe' }));
    const error: unknown = await write(store, { ...batch, activities: impossible }, 60_000).catch(
      (reason: unknown) => reason,
    );
    expect(store.classifyError(error)).toMatchObject({ kind: 'data' });
    expect(await server.query(`SELECT id FROM ${database}.djaffar_session`)).toEqual([]);
    await store.close();
  });
});
