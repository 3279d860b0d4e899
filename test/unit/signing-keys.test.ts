import timers from 'node:timers/promises';
import { IncidentLog } from '../../lib/diagnostics/incident-log.js';
import { DEFAULTS } from '../../lib/options/settings.js';
import { toSettings } from '../../lib/options/validation.js';
import { KEY_LIFETIME, KEY_PUBLICATION } from '../../lib/privacy/key-ring.js';
import type { SigningKey } from '../../lib/privacy/signing-key.js';
import { REFRESH, SigningKeys } from '../../lib/privacy/signing-keys.js';
import type { StoreFailure } from '../../lib/store/store.js';
import { UnavailableError } from '../../lib/store/unavailable.error.js';
import { monotonicClock } from '../../lib/time/clock.js';
import { MemoryStore } from '../support/memory-store.js';

const DAY = 86_400_000;
const START = Date.UTC(2026, 10, 28);
const NO_CONNECTION = new Error('no connection');
const NO_TABLE = new Error('no such table');

/** A database that can be down or without tables, and that notes when it is asked for the keys. */
class KeyStore extends MemoryStore {
  readonly lines: string[] = [];
  override readonly incidents = new IncidentLog(
    { log: this.writer('log'), warn: this.writer('warn'), error: this.writer('error') },
    { now: Date.now },
  );
  override isOpen = true;
  failure: Error | undefined;
  readonly asked: { at: number; timeout: number }[] = [];

  override async loadSigningKeys(
    next: (newest: SigningKey | undefined) => SigningKey | undefined,
    timeout = Number.NaN,
  ): Promise<SigningKey[]> {
    this.asked.push({ at: Date.now() - START, timeout });
    if (this.failure) throw this.failure;
    return super.loadSigningKeys(next);
  }

  override classifyError(error?: unknown): StoreFailure | undefined {
    if (error === NO_CONNECTION) return { kind: 'transient', code: 'DOWN', reason: 'no connection' };
    if (error === NO_TABLE) return { kind: 'schema', code: 'TABLE', reason: 'no such table' };
    return undefined;
  }

  get times(): number[] {
    return this.asked.map(({ at }) => at);
  }

  private writer(level: string): (line: unknown) => void {
    return (line) => void this.lines.push(`${level} ${String(line)}`);
  }
}

describe('the keys that sign cookies', () => {
  let store: KeyStore;
  let keys: SigningKeys;

  beforeEach(() => {
    jest.useFakeTimers({ now: START });
    // Neither of these goes with Jest's clock by itself.
    jest.spyOn(monotonicClock, 'now').mockImplementation(() => Date.now());
    jest
      .spyOn(timers, 'setTimeout')
      .mockImplementation((delay, value) => new Promise((done) => void setTimeout(done, delay, value)));
    store = new KeyStore();
    keys = new SigningKeys(store, toSettings({}));
  });

  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  /** Returns what happened to a request that waited for the keys. */
  async function waitFor(request: Promise<unknown>, milliseconds: number): Promise<unknown> {
    let result: unknown = 'waits';
    request.then(
      () => (result = 'has keys'),
      (error: unknown) => (result = error),
    );
    await jest.advanceTimersByTimeAsync(milliseconds);
    // The error passes through several promises.
    await jest.advanceTimersByTimeAsync(0);
    return result;
  }

  it('are there for the first request after the start of the application', async () => {
    await keys.onApplicationBootstrap();
    const ring = keys.current;
    expect(ring?.unsign(ring.sign('text', START), START)).toBe('text');
    expect(store.asked).toEqual([{ at: 0, timeout: DEFAULTS.writer.timeout }]);
  });

  it('are loaded by the first request if the database was not open at the start', async () => {
    store.isOpen = false;
    await keys.onApplicationBootstrap();
    expect(store.asked).toEqual([]);
    store.isOpen = true;
    expect(keys.current).toBeUndefined();
    await jest.advanceTimersByTimeAsync(0);
    expect(keys.current).toBeDefined();
  });

  it('are loaded once for all requests that wait for them', async () => {
    const [first, second] = await Promise.all([keys.ready(), keys.ready()]);
    expect(first).toBe(second);
    expect(store.times).toEqual([0]);
  });

  it('are read again if more than a minute has passed, in the background', async () => {
    await keys.onApplicationBootstrap();
    const before = keys.current;
    await jest.advanceTimersByTimeAsync(REFRESH);
    expect(keys.current).toBe(before);
    expect(store.times).toEqual([0]);
    await jest.advanceTimersByTimeAsync(1);
    expect(keys.current).toBe(before);
    await jest.advanceTimersByTimeAsync(0);
    expect(keys.current).not.toBe(before);
    expect(store.asked).toEqual([
      { at: 0, timeout: DEFAULTS.writer.timeout },
      { at: REFRESH + 1, timeout: 1000 },
    ]);
  });

  it('stay in use in an outage, in which the database is asked once a minute', async () => {
    await keys.onApplicationBootstrap();
    const before = keys.current;
    store.failure = NO_CONNECTION;
    for (let second = 0; second < 150; second++) {
      await jest.advanceTimersByTimeAsync(1000);
      expect(keys.current).toBe(before);
    }
    expect(store.times).toEqual([0, 61_000, 122_000]);
    expect(store.lines).toEqual([]);
  });

  it('are waited for while the database is down, and have requests go on when it is back', async () => {
    store.failure = NO_CONNECTION;
    const request = keys.ready();
    expect(await waitFor(request, 250)).toBe('waits');
    store.failure = undefined;
    expect(await waitFor(request, 50)).toBe('has keys');
    expect(store.asked).toEqual(
      [0, 100, 200, 300].map((at) => ({ at, timeout: DEFAULTS.writer.timeout - at })),
    );
  });

  it('are refused at the time-out, with one line in the log for the outage and one for its end', async () => {
    keys = new SigningKeys(store, toSettings({ writer: { timeout: 1000 } }));
    store.failure = NO_CONNECTION;
    expect(await waitFor(keys.ready(), 999)).toBe('waits');
    expect(await waitFor(keys.ready(), 1)).toBe(NO_CONNECTION);
    expect(store.times).toEqual([0, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000]);
    store.failure = undefined;
    await keys.ready();
    expect(store.lines).toEqual([
      'warn the keys that sign the cookies cannot be read: no connection',
      'log over after 0.0 s (2 times): the keys that sign the cookies cannot be read',
    ]);
  });

  it('keep no process alive that only waits for the next try', async () => {
    jest.restoreAllMocks();
    jest.useRealTimers();
    store.failure = NO_CONNECTION;
    const timeouts = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timeouts();
    const request = keys.ready();
    await new Promise(setImmediate);
    expect([store.asked.length, timeouts()]).toEqual([1, before]);
    store.failure = undefined;
    await request;
  });

  it('are not tried again after the database has been closed', async () => {
    store.failure = NO_CONNECTION;
    const request = keys.ready();
    store.isOpen = false;
    expect(await waitFor(request, 0)).toBe(NO_CONNECTION);
    expect(store.times).toEqual([0]);
  });

  it('have missing tables in the log as an error at once, but no outage at the start', async () => {
    store.failure = NO_CONNECTION;
    const started = keys.onApplicationBootstrap();
    await jest.advanceTimersByTimeAsync(DEFAULTS.writer.timeout);
    await started;
    expect(store.lines).toEqual([]);
    store.failure = NO_TABLE;
    await keys.onApplicationBootstrap();
    const line = 'error the keys that sign the cookies cannot be read: no such table';
    expect(store.lines).toEqual([line]);
    expect(await waitFor(keys.ready(), 0)).toBe(NO_TABLE);
    // A request that failed made no second line of the same problem.
    expect(store.lines).toEqual([line]);
  });

  it("are tried again, and logged, by the database's own error if the answer for the visitor hides it", async () => {
    store.failure = new UnavailableError('try again', { cause: NO_CONNECTION });
    const request = keys.ready();
    expect(await waitFor(request, DEFAULTS.writer.timeout)).toBe(store.failure);
    expect(store.times.length).toBeGreaterThan(10);
    expect(store.lines).toEqual(['warn the keys that sign the cookies cannot be read: no connection']);
  });

  it('let an error through that is none of the database, without a line in the log', async () => {
    for (const failure of [
      new Error('a fault'),
      new UnavailableError('too many'),
      new Error('in the host', { cause: NO_TABLE }),
    ]) {
      store.failure = failure;
      await keys.onApplicationBootstrap();
      await expect(keys.ready()).rejects.toBe(failure);
    }
    expect(store.times).toEqual([0, 0, 0, 0, 0, 0]);
    expect(store.lines).toEqual([]);
  });

  it('are refused at once if as many requests wait for them as for writes, and not after that', async () => {
    keys = new SigningKeys(store, toSettings({ writer: { maxWaiting: 2 } }));
    store.failure = NO_CONNECTION;
    for (let outage = 0; outage < 2; outage++) {
      const waiting = Promise.allSettled([keys.ready(), keys.ready()]);
      await expect(keys.ready()).rejects.toThrow(
        new UnavailableError('too many requests are waiting for the database'),
      );
      await jest.advanceTimersByTimeAsync(DEFAULTS.writer.timeout);
      expect(await waiting).toMatchObject([{ reason: NO_CONNECTION }, { reason: NO_CONNECTION }]);
    }
  });

  it('are random, numbered from 1, and a new one is made when the newest is as old as a key may be', async () => {
    const stored = (): Promise<SigningKey[]> => store.loadSigningKeys(() => undefined);
    await keys.ready();
    const [first] = await stored();
    expect(first).toMatchObject({ number: 1, createdAt: new Date(START) });
    expect(first?.secret).toMatch(/^[\w-]{43}$/);
    jest.setSystemTime(START + KEY_LIFETIME - 1);
    await keys.ready();
    expect(await stored()).toEqual([first]);
    jest.setSystemTime(START + KEY_LIFETIME);
    await keys.ready();
    expect(await stored()).toMatchObject([first, { number: 2, createdAt: new Date(START + KEY_LIFETIME) }]);
    const [, second] = await stored();
    expect(second?.secret).not.toBe(first?.secret);
  });

  it.each([
    ['two weeks', toSettings({}), 14 * DAY],
    [
      'the 400 days for which a browser that restores its tabs keeps it',
      toSettings({ session: { maxAge: 'browser' } }),
      400 * DAY,
    ],
  ])('accept a cookie of the key before for %s', async (_, settings, lifetime) => {
    keys = new SigningKeys(store, settings);
    const signed = (await keys.ready()).sign('text', START);
    jest.setSystemTime(START + KEY_LIFETIME);
    const ring = await keys.ready();
    const end = START + KEY_LIFETIME + KEY_PUBLICATION + lifetime;
    expect(ring.unsign(signed, end - 1)).toBe('text');
    expect(ring.unsign(signed, end)).toBeUndefined();
  });
});
