import { Command } from 'commander';
import { EntityManager } from 'typeorm';
import { ActivityWriter } from '../../lib/activity/activity.writer.js';
import type { StoredActivity } from '../../lib/activity/activity.js';
import { CommittedActivities } from '../../lib/activity/committed-activities.js';
import type { NewSession } from '../../lib/activity/session.js';
import { UnstorableError } from '../../lib/activity/unstorable.error.js';
import type { OpenStore } from '../../lib/cli/data-source.js';
import { withServices } from '../../lib/cli/services.js';
import { IncidentLog } from '../../lib/diagnostics/incident-log.js';
import { type Instrument, Telemetry } from '../../lib/diagnostics/telemetry.js';
import { DEFAULTS } from '../../lib/options/settings.js';
import type { Batch, Write } from '../../lib/store/batch.js';
import type { StoreFailure } from '../../lib/store/store.js';
import { UnavailableError } from '../../lib/store/unavailable.error.js';
import { MemoryStore } from '../support/memory-store.js';

const START = Date.UTC(2026, 10, 28);
const DATE = new Date(START);

class DataError extends Error {}
class SchemaError extends Error {}

/** A store that fails if a test wants it, and remembers its calls. */
class FailingStore extends MemoryStore {
  readonly lines: string[] = [];
  override readonly incidents = new IncidentLog(
    { log: this.lineWriter('log'), warn: this.lineWriter('warn'), error: this.lineWriter('error') },
    { now: Date.now },
  );
  /** When a connection was asked for, and the paths of each write with the time that it has. */
  readonly lent: number[] = [];
  readonly writes: { paths: string[]; sessions: string[]; within: number }[] = [];
  readonly restored: string[][] = [];
  aborted = 0;
  dropped = 0;
  connectionError: Error | undefined;
  /** Called before a connection is lent. */
  beforeLending: (() => Promise<void> | undefined) | undefined;
  /** Returns the error of a write, or a promise that the write waits for. */
  beforeWrite: ((batch: Batch) => Error | Promise<void> | undefined) | undefined;
  restoreError: Error | undefined;

  override async lendWriter(work: (write: Write) => Promise<void>, cancel?: AbortSignal): Promise<void> {
    this.lent.push(Date.now() - START);
    if (this.connectionError) throw this.connectionError;
    await this.beforeLending?.();
    const cancelled = new Promise<never>((_, reject) => {
      cancel?.addEventListener('abort', () => reject(new Error('cancelled')));
    });
    const done = super.lendWriter((write) =>
      work(async (batch, within) => {
        const paths = batch.activities.map(({ path }) => path);
        this.writes.push({ paths, sessions: batch.sessions.map(({ id }) => id), within });
        const failure = this.beforeWrite?.(batch);
        if (failure instanceof Error) throw failure;
        await failure;
        await write(batch, within);
      }),
    );
    await Promise.race([done, cancelled]);
  }

  override classifyError(error?: unknown): StoreFailure | undefined {
    if (error instanceof DataError) return { kind: 'data', code: 'DATA', reason: error.message };
    if (error instanceof SchemaError)
      return { kind: 'schema', code: 'SCHEMA', reason: error.message, advice: 'run the migrations' };
    return undefined;
  }

  override async restoreSessions(sessions: NewSession[] = []): Promise<number> {
    this.restored.push(sessions.map(({ id }) => id));
    if (this.restoreError) throw this.restoreError;
    return 0;
  }

  override abort(): void {
    this.aborted += 1;
  }

  override dropIdleConnections(): void {
    this.dropped += 1;
  }

  get paths(): string[] {
    return this.list({})
      .map(({ path }) => path)
      .toSorted();
  }

  private lineWriter(level: string): (line: unknown) => void {
    return (line) => void this.lines.push(`${level} ${String(line)}`);
  }
}

function activity(path: string, sessionId: string | null = null): StoredActivity {
  const nobody = { userId: null, userName: null, sessionId, visitId: null, ipAddress: null };
  const nowhere = { groupId: null, groupName: null };
  const others = { route: null, referer: null, properties: null, subject: null, interactive: null };
  return { id: path, date: DATE, receivedAt: DATE, name: 'view', path, ...nobody, ...nowhere, ...others };
}

function session(id: string): NewSession {
  const unknown = {
    userAgent: null,
    browser: null,
    system: null,
    device: null,
    country: null,
    language: null,
  };
  return { id, row: () => ({ id, ...unknown, startedAt: DATE, bot: false, consent: null }) };
}

const never = new Promise<void>(() => {});

describe('the writer', () => {
  let store: FailingStore;
  let writer: ActivityWriter;
  let committed: CommittedActivities;
  let telemetry: Telemetry;

  beforeEach(() => {
    jest.useFakeTimers({ now: START });
  });

  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  function start(settings: Partial<typeof DEFAULTS.writer> = {}, background?: boolean): void {
    store = new FailingStore();
    committed = new CommittedActivities(store);
    telemetry = new Telemetry();
    const clock = { now: Date.now };
    const all = { ...DEFAULTS.writer, ...settings };
    writer = new ActivityWriter(store, all, undefined, clock, background, committed, telemetry);
  }

  /** Returns what has become of a write after some time. */
  async function resultOf(write: Promise<unknown>, milliseconds: number): Promise<unknown> {
    let result: unknown = 'waits';
    write.then(
      () => (result = 'stored'),
      (error: unknown) => (result = error),
    );
    await jest.advanceTimersByTimeAsync(milliseconds);
    return result;
  }

  /** Milliseconds between tries, without the turn of the event loop before each, for which the fake clock counts one. */
  const pauses = (): number[] => store.lent.slice(1).map((at, i) => at - (store.lent[i] ?? 0) - 1);

  const write = (...paths: string[]): Promise<void> => writer.write(paths.map((path) => activity(path)));

  it('writes what arrives together in one transaction, and the rest in the next one', async () => {
    start({ maxBatch: 3, concurrency: 1 });
    const all = Promise.all([write('a'), write('b', 'c'), write('d')]);
    expect(await resultOf(all, 1)).toBe('stored');
    expect(store.writes.map(({ paths }) => paths)).toEqual([['a', 'b', 'c'], ['d']]);
  });

  it('waits for one turn of the event loop for all that arrives together', async () => {
    start();
    const turn = jest.spyOn(globalThis, 'setImmediate');
    expect(await resultOf(Promise.all([write('a'), write('b'), write('c')]), 1)).toBe('stored');
    // The other one is after the transaction.
    expect(turn).toHaveBeenCalledTimes(2);
  });

  it('measures each transaction, with the number of its activities', async () => {
    start();
    const record = jest.fn<void, Parameters<Instrument['record']>>();
    telemetry.add({ record });
    expect(await resultOf(Promise.all([write('a', 'b'), write('c')]), 1)).toBe('stored');
    expect(record.mock.calls).toEqual([['commit', expect.any(Number), { activities: 3 }]]);
  });

  it('has as many transactions at once as the option says', async () => {
    start({ maxBatch: 1, concurrency: 2 });
    store.beforeWrite = () => never;
    for (const path of ['a', 'b', 'c']) void write(path).catch(() => {});
    await jest.advanceTimersByTimeAsync(1);
    expect(store.writes.map(({ paths }) => paths)).toEqual([['a'], ['b']]);
  });

  it('gives the database the time of the request, less what a cancellation takes', async () => {
    start({ timeout: 1000 });
    expect(await resultOf(write('a'), 1)).toBe('stored');
    start({ timeout: 10_000 });
    expect(await resultOf(write('a'), 1)).toBe('stored');
    expect(store.writes.map(({ within }) => within)).toEqual([9750]);
    start({ timeout: 1000 });
    expect(await resultOf(writer.write([activity('a')], undefined, writer.deadline(500)), 1)).toBe('stored');
    expect(store.writes.map(({ within }) => within)).toEqual([400]);
  });

  it('tries again after 20 ms, then after twice as long, up to half a second, and from the beginning after a success', async () => {
    start({ timeout: 60_000 });
    store.connectionError = new Error('no connection');
    const written = write('a');
    expect(await resultOf(written, 2200)).toBe('waits');
    expect(pauses()).toEqual([20, 40, 80, 160, 320, 500, 500, 500]);
    store.connectionError = undefined;
    expect(await resultOf(written, 502)).toBe('stored');
    store.lent.length = 0;
    store.connectionError = new Error('no connection');
    expect(await resultOf(write('b'), 70)).toBe('waits');
    expect(pauses()).toEqual([20, 40]);
  });

  it('needs nobody who listens to commits, as in a command', async () => {
    start();
    writer = new ActivityWriter(store, DEFAULTS.writer, undefined, { now: Date.now });
    expect(await resultOf(Promise.all([write('a'), write('b')]), 1)).toBe('stored');
    const reported = jest.fn();
    const typeorm = { write: async (_: unknown, __: unknown, onCommit: () => void) => onCommit() };
    Reflect.set(store, 'typeorm', typeorm);
    const manager = Object.create(EntityManager.prototype);
    expect(await resultOf(writer.writeIn(manager, [activity('c')], undefined, reported), 1)).toBe('stored');
    expect(reported).toHaveBeenCalledTimes(1);
    expect(await resultOf(writer.beforeApplicationShutdown(), 1)).toBe('stored');
    expect(store.lines).toEqual([]);
  });

  it('says once in the log that the database fails, and when that is over', async () => {
    start();
    store.connectionError = new Error('no connection');
    const written = write('a');
    await jest.advanceTimersByTimeAsync(500);
    store.connectionError = undefined;
    expect(await resultOf(written, 500)).toBe('stored');
    expect(store.lines).toEqual([
      'warn activities cannot be stored: no connection',
      expect.stringMatching(/^log over after .*: activities cannot be stored$/),
    ]);
  });

  it('refuses a write in time for the answer if there is no connection', async () => {
    start({ timeout: 1000 });
    store.connectionError = new Error('no connection');
    const written = write('a');
    expect(await resultOf(written, 699)).toBe('waits');
    const error = await resultOf(written, 1);
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error).toMatchObject({ message: 'the database did not store it within 1000 ms' });
  });

  it('says in the log that writes are late if they wait for a connection', async () => {
    start({ timeout: 1000 });
    store.beforeLending = () => never;
    expect(await resultOf(write('a'), 1000)).toBeInstanceOf(UnavailableError);
    expect(store.lines).toEqual([
      expect.stringMatching(
        /^warn activities cannot be stored: the database did not store it within 1000 ms \(writer\.timeout: /,
      ),
    ]);
  });

  it('says it after a slow transaction, which may have another cause', async () => {
    start({ timeout: 1000, concurrency: 1, maxBatch: 1 });
    let end = (): void => {};
    store.beforeWrite = () => new Promise<void>((resolve) => (end = resolve));
    const slow = write('slow');
    await jest.advanceTimersByTimeAsync(1);
    const late = Promise.allSettled(['a', 'b'].map((path) => write(path)));
    await jest.advanceTimersByTimeAsync(800);
    const reason: unknown = expect.any(UnavailableError);
    expect(await late).toMatchObject([{ reason }, { reason }]);
    expect(store.lines).toEqual([]);
    end();
    expect(await resultOf(slow, 1)).toBe('stored');
    expect(store.lines).toEqual([
      expect.stringContaining('the database did not store it within 1000 ms (writer.timeout: '),
      expect.stringMatching(/^log over after .* \(2 times\): activities cannot be stored$/),
    ]);
  });

  it('says nothing of it if the transaction has another cause', async () => {
    start({ timeout: 1000, concurrency: 1, maxBatch: 1 });
    store.beforeWrite = () => never;
    const slow = write('slow');
    await jest.advanceTimersByTimeAsync(1);
    const results = await Promise.all([resultOf(slow, 1000), resultOf(write('late'), 1000)]);
    expect(results).toEqual([expect.any(UnavailableError), expect.any(UnavailableError)]);
    expect(store.lines).toEqual(['warn activities cannot be stored: the database does not answer']);
  });

  it('refuses what there is no room for, with a line in the log, and counts what waits', async () => {
    start({ maxWaiting: 2 });
    store.beforeLending = () => never;
    void write('a', 'b').catch(() => {});
    expect(writer.waitingActivities).toBe(2);
    await expect(write('c')).rejects.toThrow('too many activities');
    expect(store.lines).toEqual([expect.stringContaining('(writer.maxWaiting: ')]);
  });

  it('tries again after a failure that may pass, such as a deadlock', async () => {
    start();
    const failures = [new Error('deadlock')];
    store.beforeWrite = () => failures.pop();
    expect(await resultOf(Promise.all([write('a'), write('b')]), 100)).toBe('stored');
    expect(store.writes.map(({ paths }) => paths)).toEqual([
      ['a', 'b'],
      ['a', 'b'],
    ]);
    expect(store.lines[0]).toBe('warn activities cannot be stored: deadlock');
  });

  it('needs no connection for what another one has written', async () => {
    start({ concurrency: 2 });
    const pool = [undefined, Promise.reject(new Error('the pool is closed'))];
    pool[1]?.catch(() => {});
    store.beforeLending = () => pool.shift();
    expect(await resultOf(Promise.all([write('a'), write('b')]), 100)).toBe('stored');
    expect(store.lent).toHaveLength(2);
    expect(store.lines).toEqual([]);
  });

  it('does not take a connection that has nothing to write for the end of a problem', async () => {
    start({ concurrency: 2 });
    store.connectionError = new Error('no connection');
    const written = Promise.all([write('a'), write('b')]);
    await jest.advanceTimersByTimeAsync(1);
    store.connectionError = undefined;
    let end = (): void => {};
    store.beforeWrite = () => new Promise<void>((resolve) => (end = resolve));
    expect(await resultOf(written, 100)).toBe('waits');
    expect(store.writes.map(({ paths }) => paths)).toEqual([['a', 'b']]);
    expect(store.lent).toHaveLength(4);
    expect(store.lines).toEqual(['warn activities cannot be stored: no connection']);
    end();
    expect(await resultOf(written, 1)).toBe('stored');
    expect(store.lines).toHaveLength(2);
  });

  it('distrusts no idle connections if two that were used at once do not answer', async () => {
    start({ timeout: 1000, concurrency: 2, maxBatch: 1 });
    store.beforeWrite = () => never;
    await Promise.all([resultOf(write('a'), 1000), resultOf(write('b'), 1000)]);
    expect(store.writes).toHaveLength(2);
    expect(store.dropped).toBe(0);
  });

  it('refuses only the activity that the database can never store', async () => {
    start();
    store.beforeWrite = ({ activities }) =>
      activities.some(({ path }) => path === 'bad') ? new DataError('too long') : undefined;
    const paths = ['a', 'b', 'bad', 'c', 'd'];
    const results = Promise.all(paths.map((path) => resultOf(write(path), 10)));
    const [a, b, bad, c, d] = await results;
    expect([a, b, c, d]).toEqual(['stored', 'stored', 'stored', 'stored']);
    expect(bad).toBeInstanceOf(UnstorableError);
    expect(bad).toMatchObject({ message: 'it cannot be stored: too long', cause: expect.any(DataError) });
    expect(store.paths).toEqual(['a', 'b', 'c', 'd']);
    expect(store.lines).toEqual(['warn an activity was refused that the database can never store: too long']);
  });

  it.each([new TypeError('no JSON'), new RangeError('no date')])(
    'takes what cannot be sent for a fault of the activity: %s',
    async (error) => {
      start();
      store.beforeWrite = () => error;
      expect(await resultOf(write('a'), 10)).toBeInstanceOf(UnstorableError);
    },
  );

  it('does not try again if the tables are wrong, and says why', async () => {
    start();
    store.beforeWrite = () => new SchemaError('no such table');
    const results = await Promise.all([resultOf(write('a'), 1000), resultOf(write('b'), 1000)]);
    for (const result of results) {
      expect(result).toBeInstanceOf(UnavailableError);
      expect(result).toMatchObject({
        message: 'the database rejected the write: no such table (run the migrations)',
        cause: expect.any(SchemaError),
      });
    }
    expect(store.writes).toHaveLength(1);
    expect(store.lines).toEqual(['error activities cannot be stored: no such table (run the migrations)']);
  });

  it('tries the others again if a connection does not answer in time, and distrusts idle ones after the second', async () => {
    start({ timeout: 1000, concurrency: 1 });
    store.beforeWrite = () => never;
    const impatient = write('a');
    const patient = writer.write([activity('b')], undefined, writer.deadline(2000));
    expect(await resultOf(impatient, 1000)).toMatchObject({ message: 'the database does not answer' });
    expect(store.dropped).toBe(0);
    await jest.advanceTimersByTimeAsync(21);
    expect(store.writes.map(({ paths }) => paths)).toEqual([['a', 'b'], ['b']]);
    expect(await resultOf(patient, 980)).toMatchObject({ message: 'the database does not answer' });
    expect(store.dropped).toBe(1);
    expect(store.lines).toEqual(['warn activities cannot be stored: the database does not answer']);
    store.beforeWrite = undefined;
    expect(await resultOf(write('c'), 1000)).toBe('stored');
    store.beforeWrite = () => never;
    expect(await resultOf(write('d'), 1000)).toBeInstanceOf(UnavailableError);
    expect(store.dropped).toBe(1);
  });

  it('refuses requests in a shutdown, and the code of the host after it', async () => {
    start();
    expect(() => writer.checkRoom()).not.toThrow();
    writer.onModuleDestroy();
    expect(() => writer.checkRoom()).toThrow('shutting down');
    expect(await resultOf(write('a'), 1)).toBe('stored');
    await writer.onApplicationShutdown();
    expect([store.aborted, store.calls]).toEqual([1, ['close']]);
    await expect(write('b')).rejects.toThrow('shutting down');
  });

  it('waits for its writes in a shutdown, but no longer than one may take', async () => {
    start({ timeout: 1000 });
    let end = (): void => {};
    store.beforeWrite = () => new Promise<void>((resolve) => (end = resolve));
    const written = write('a');
    await jest.advanceTimersByTimeAsync(1);
    const shutdown = writer.beforeApplicationShutdown();
    expect(await resultOf(shutdown, 100)).toBe('waits');
    end();
    expect(await resultOf(shutdown, 1)).toBe('stored');
    await written;
    await writer.onApplicationShutdown();
    await jest.advanceTimersByTimeAsync(2000);
    expect(store.aborted).toBe(1);
    expect(store.restored).toEqual([]);
  });

  it.each([
    [0, 1000],
    [400, 600],
    [1100, 0],
  ])('leaves to listeners the rest of its time in a shutdown: after %i ms %i ms', async (took, left) => {
    start({ timeout: 1000 });
    const finish = jest.fn<Promise<void>, [number]>().mockResolvedValue();
    committed.listen({ take: () => {}, finish });
    jest.spyOn(writer.sessions, 'close').mockReturnValue(new Promise((resolve) => setTimeout(resolve, took)));
    expect(await resultOf(writer.beforeApplicationShutdown(), 1100)).toBe('stored');
    expect(finish.mock.calls).toEqual([[left]]);
  });

  it('ends the connections if the last writes take longer than one may', async () => {
    start({ timeout: 1000 });
    store.beforeWrite = () => never;
    const written = write('a').catch(() => {});
    await jest.advanceTimersByTimeAsync(1);
    void writer.beforeApplicationShutdown();
    await jest.advanceTimersByTimeAsync(999);
    expect(store.aborted).toBe(0);
    await jest.advanceTimersByTimeAsync(1);
    expect(store.aborted).toBe(1);
    await written;
  });

  it('waits for the writes of one session alone', async () => {
    start({ maxBatch: 2, concurrency: 2 });
    store.beforeWrite = ({ activities }) => (activities[0]?.path === 'slow' ? never : undefined);
    void writer.write([activity('slow', 's'), activity('other', 't')]).catch(() => {});
    void writer.write([activity('quick', 'q')]);
    const [ofQuick, ofSlow, ofOther, ofAll] = await Promise.all([
      resultOf(writer.waitForSession('q'), 10),
      resultOf(writer.waitForSession('s'), 10),
      resultOf(writer.waitForSession('other'), 10),
      resultOf(writer.settled(), 10),
    ]);
    expect([ofQuick, ofSlow, ofOther, ofAll]).toEqual(['stored', 'waits', 'stored', 'waits']);
  });

  it('needs a store on TypeORM for a transaction of the host', async () => {
    start();
    const manager = Object.create(EntityManager.prototype);
    await expect(writer.writeIn(manager, [activity('a')], undefined, () => {})).rejects.toThrow(
      'not stored in a TypeORM data source',
    );
  });

  it('does not start if the database cannot store every text, and starts without a database', async () => {
    start();
    await expect(writer.onApplicationBootstrap()).resolves.toBeUndefined();
    const find = jest.spyOn(store, 'findEncodingFault');
    find.mockRejectedValueOnce(new Error('no connection'));
    await expect(writer.onApplicationBootstrap()).resolves.toBeUndefined();
    Reflect.set(store, 'findEncodingFault', async () => 'latin1 cannot store every text');
    await expect(writer.onApplicationBootstrap()).rejects.toThrow('latin1 cannot store every text');
    Reflect.set(store, 'isOpen', false);
    await expect(writer.onApplicationBootstrap()).resolves.toBeUndefined();
  });

  describe('inserts a session once, and', () => {
    const writeIn = (id: string, path: string): Promise<void> =>
      writer.write([activity(path, id)], session(id));

    it('checks a second later that another instance has not erased it', async () => {
      start();
      expect(await resultOf(writeIn('s', 'a'), 2000)).toBe('stored');
      expect(store.restored).toEqual([]);
      expect(await resultOf(Promise.all([writeIn('s', 'b'), writeIn('t', 'c')]), 1)).toBe('stored');
      expect(await resultOf(writeIn('s', 'd'), 998)).toBe('stored');
      expect(store.restored).toEqual([]);
      await jest.advanceTimersByTimeAsync(2);
      expect(store.restored).toEqual([['s']]);
      await jest.advanceTimersByTimeAsync(5000);
      expect(store.restored).toEqual([['s']]);
      expect(store.writes.map(({ sessions }) => sessions)).toEqual([['s'], ['t'], []]);
    });

    it('has no timer if there is nothing to check', async () => {
      start();
      expect(await resultOf(writeIn('s', 'a'), 1)).toBe('stored');
      expect(jest.getTimerCount()).toBe(0);
      expect(await resultOf(writeIn('s', 'b'), 1)).toBe('stored');
      expect(jest.getTimerCount()).toBe(1);
      await jest.advanceTimersByTimeAsync(1000);
      expect(store.restored).toEqual([['s']]);
      expect(jest.getTimerCount()).toBe(0);
    });

    it('checks what was written during a check in another one', async () => {
      start();
      for (const path of ['a', 'b']) expect(await resultOf(writeIn('s', path), 1)).toBe('stored');
      let end = (): void => {};
      jest.spyOn(store, 'restoreSessions').mockImplementationOnce(async () => {
        await new Promise<void>((resolve) => (end = resolve));
        return 0;
      });
      await jest.advanceTimersByTimeAsync(1000);
      expect(await resultOf(writeIn('s', 'c'), 3000)).toBe('stored');
      expect(store.restored).toEqual([]);
      end();
      await jest.advanceTimersByTimeAsync(1000);
      expect(store.restored).toEqual([['s']]);
    });

    it('checks again after a failure, which is in the log once', async () => {
      start();
      expect(await resultOf(writeIn('s', 'a'), 1)).toBe('stored');
      store.restoreError = new Error('no connection');
      expect(await resultOf(writeIn('s', 'b'), 3001)).toBe('stored');
      expect(store.restored).toEqual([['s'], ['s'], ['s']]);
      store.restoreError = undefined;
      await jest.advanceTimersByTimeAsync(5000);
      expect(store.restored).toEqual([['s'], ['s'], ['s'], ['s']]);
      expect(store.lines).toEqual([
        'warn sessions that another instance has erased cannot be restored: no connection',
      ]);
    });

    it('leaves the log to the store if that has a line already', async () => {
      start();
      expect(await resultOf(writeIn('s', 'a'), 1)).toBe('stored');
      store.restoreError = new UnavailableError('no connection');
      expect(await resultOf(writeIn('s', 'b'), 1001)).toBe('stored');
      expect(store.restored).toEqual([['s']]);
      expect(store.lines).toEqual([]);
    });

    it('inserts it again after an erasure', async () => {
      start();
      expect(await resultOf(writeIn('s', 'a'), 1)).toBe('stored');
      writer.sessions.onErased();
      expect(await resultOf(writeIn('s', 'b'), 1)).toBe('stored');
      expect(store.writes.map(({ sessions }) => sessions)).toEqual([['s'], ['s']]);
    });

    it('inserts it each time without background work, and in a shutdown', async () => {
      start({}, false);
      for (const path of ['a', 'b']) expect(await resultOf(writeIn('s', path), 1)).toBe('stored');
      expect(store.writes.map(({ sessions }) => sessions)).toEqual([['s'], ['s']]);
      start();
      expect(await resultOf(writeIn('s', 'a'), 1)).toBe('stored');
      writer.onModuleDestroy();
      expect(await resultOf(writeIn('s', 'b'), 5000)).toBe('stored');
      expect(store.writes.map(({ sessions }) => sessions)).toEqual([['s'], ['s']]);
      expect(store.restored).toEqual([]);
    });

    it('does not write what is stored already', async () => {
      start();
      for (let i = 0; i < 2; i++) expect(await resultOf(writer.write([], session('s')), 1)).toBe('stored');
      expect(store.writes).toHaveLength(1);
    });

    it('checks a new one, too, if the store has no transactions', async () => {
      start();
      Reflect.set(store, 'isTransactional', false);
      expect(await resultOf(writeIn('s', 'a'), 1001)).toBe('stored');
      expect(store.restored).toEqual([['s']]);
    });

    it('inserts it again if too many wait to be checked', async () => {
      start();
      const sessions = Array.from({ length: 10_000 }, (_, i) => session(`s${i}`));
      writer.sessions.add(['s']);
      writer.sessions.recheck(sessions.slice(1));
      expect(writer.sessions.split([session('s')]).sessions.size).toBe(0);
      writer.sessions.recheck(sessions);
      expect(writer.sessions.split([session('s')]).sessions.size).toBe(1);
    });

    it('stores it after a transaction of the host, if that is committed', async () => {
      start();
      const commits: (() => void)[] = [];
      const typeorm = {
        write: async (_: unknown, __: unknown, onCommit: () => void) => void commits.push(onCommit),
      };
      Reflect.set(store, 'typeorm', typeorm);
      const manager = Object.create(EntityManager.prototype);
      const reported: string[] = [];
      const late = jest.spyOn(writer.sessions, 'storeLate');
      const track = (path: string, given?: NewSession): Promise<void> =>
        writer.writeIn(manager, [activity(path, 's')], given, () => void reported.push(path));
      await track('a', session('s'));
      await track('b');
      expect([store.restored, reported]).toEqual([[], []]);
      for (const commit of commits.splice(0)) commit();
      await writer.settled();
      expect([store.restored, reported]).toEqual([[['s']], ['a', 'b']]);
      expect(late).toHaveBeenCalledTimes(1);
      await track('c', session('s'));
      for (const commit of commits) commit();
      await jest.advanceTimersByTimeAsync(999);
      expect(store.restored).toEqual([['s']]);
      await jest.advanceTimersByTimeAsync(1);
      expect(store.restored).toEqual([['s'], ['s']]);
    });

    it('does not check again after a shutdown', async () => {
      start();
      for (const path of ['a', 'b']) expect(await resultOf(writeIn('s', path), 1)).toBe('stored');
      store.restoreError = new Error('no connection');
      expect(await resultOf(writer.beforeApplicationShutdown(), 1)).toBe('stored');
      await jest.advanceTimersByTimeAsync(5000);
      expect(store.restored).toEqual([['s']]);
    });

    it.each(['works', 'fails'])('checks nothing any more after a command that %s', async (outcome) => {
      start();
      const open = async (): Promise<OpenStore> => ({
        store,
        page: undefined,
        retention: undefined,
        close: async () => {},
      });
      const command = new Command().setOptionValue('dataSource', { name: 'data-source.js', open });
      store.restoreError = new Error('no connection');
      const ran = withServices(command, async (services) => {
        services.writer.sessions.recheck([session('s')]);
        if (outcome === 'fails') throw new Error('a file that cannot be read');
      });
      expect(await resultOf(ran, 5000)).toEqual(
        outcome === 'fails' ? new Error('a file that cannot be read') : 'stored',
      );
      expect(store.restored).toEqual(outcome === 'fails' ? [] : [['s']]);
    });

    it('checks it before the end of a shutdown', async () => {
      start();
      expect(await resultOf(writeIn('s', 'a'), 1)).toBe('stored');
      expect(await resultOf(writeIn('s', 'b'), 1)).toBe('stored');
      expect(await resultOf(writer.beforeApplicationShutdown(), 1)).toBe('stored');
      expect(store.restored).toEqual([['s']]);
      await jest.advanceTimersByTimeAsync(5000);
      expect(store.restored).toEqual([['s']]);
    });
  });
});
