import timers from 'node:timers/promises';
import type { DjaffarOptions } from '../../lib/index.js';
import { DEFAULTS } from '../../lib/options/settings.js';
import { toSettings } from '../../lib/options/validation.js';
import { computePeriod, cookielessSession, type Salt } from '../../lib/privacy/salt.js';
import { Salts } from '../../lib/privacy/salts.js';
import { monotonicClock } from '../../lib/time/clock.js';
import { MemoryStore } from '../support/memory-store.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** A Saturday. */
const START = Date.UTC(2026, 10, 28);
const PERIOD = START / DAY;
const LOCKED = new Error('locked');

describe('the period of a salt', () => {
  it.each([
    ['day', '2026-11-28', '2026-11-29'],
    ['week', '2026-11-23', '2026-11-30'],
    ['month', '2026-12-01', '2027-01-01'],
    ['month', '2028-02-01', '2028-03-01'],
  ] as const)('is a %s, such as from %s to %s', (rotation, from, to) => {
    const [start, end] = [Date.parse(from), Date.parse(to)];
    const period = computePeriod(start, rotation);
    expect(computePeriod(start - 1, rotation)).toBe(period - 1);
    expect(computePeriod(end - 1, rotation)).toBe(period);
    expect(computePeriod(end, rotation)).toBe(period + 1);
  });
});

describe('the session of a visitor without a cookie', () => {
  const salt: Salt = { period: PERIOD, secret: Buffer.alloc(32, 0xfb).toString('base64url') };

  it('is the same for equal parts, also in the next release', () => {
    expect(cookielessSession(salt, '10.0.0.1', undefined, 'Firefox')).toBe('7iJ6AIXcvw1cjdc');
  });

  it.each([
    ['another part', ['10.0.0.1', 'Safari']],
    ['other limits of the parts', ['10.0.0.1Firefox', '']],
    ['another order', ['Firefox', '10.0.0.1']],
    ['a part more', ['10.0.0.1', 'Firefox', undefined]],
  ])('is another one with %s', (_, parts) => {
    const session = cookielessSession(salt, '10.0.0.1', 'Firefox');
    expect(cookielessSession(salt, ...parts)).not.toBe(session);
  });

  it('is another one with another salt', () => {
    const other = { ...salt, secret: Buffer.alloc(32, 0xfc).toString('base64url') };
    expect(cookielessSession(other, 'a')).not.toBe(cookielessSession(salt, 'a'));
  });
});

/** A store that can fail, and that notes when it is asked. */
class SaltStore extends MemoryStore {
  readonly loads: { at: number; timeout: number }[] = [];
  readonly deletions: { at: number; limit: number; timeout: number }[] = [];
  /** Milliseconds by which its clock is ahead. */
  ahead = 0;
  failure: Error | undefined;
  /** Visits that are over. */
  visitsLeft = 0;
  /** Milliseconds that a deletion takes. */
  duration = 0;

  override async loadSalts(next: (now: number) => Salt, timeout = Number.NaN): Promise<Salt[]> {
    this.loads.push({ at: Date.now() - START, timeout });
    if (this.failure) throw this.failure;
    return super.loadSalts((now) => next(now + this.ahead));
  }

  override async deleteReservedVisits(limit = Number.NaN, timeout = Number.NaN): Promise<number> {
    this.deletions.push({ at: Date.now() - START, limit, timeout });
    await new Promise((done) => void setTimeout(done, this.duration));
    if (this.failure) throw this.failure;
    const forgotten = Math.min(limit, this.visitsLeft);
    this.visitsLeft -= forgotten;
    return forgotten;
  }

  get loadTimes(): number[] {
    return this.loads.map(({ at }) => at);
  }

  get deletionTimes(): number[] {
    return this.deletions.map(({ at }) => at);
  }
}

describe('the salts', () => {
  let store: SaltStore;

  beforeEach(() => {
    jest.useFakeTimers({ now: START });
    // Neither of these goes with Jest's clock by itself.
    jest.spyOn(monotonicClock, 'now').mockImplementation(() => Date.now());
    jest
      .spyOn(timers, 'setTimeout')
      .mockImplementation((delay, value) => new Promise((done) => void setTimeout(done, delay, value)));
    store = new SaltStore();
  });

  afterEach(() => {
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  const create = (options: DjaffarOptions = {}): Salts =>
    new Salts(store, toSettings({ privacy: 'cookieless', ...options }));

  async function periodsOf(salts: Salts): Promise<number[]> {
    return (await salts.current()).map(({ period }) => period);
  }

  it('are that of this period, then that of the period before if there is one', async () => {
    const salts = create();
    const [first] = await salts.current();
    expect(first).toEqual({ period: PERIOD, secret: expect.stringMatching(/^[\w-]{43}$/) });
    jest.setSystemTime(START + DAY - 1);
    expect(await periodsOf(salts)).toStrictEqual([PERIOD]);
    // The salts of more than an hour ago are loaded again.
    await jest.advanceTimersByTimeAsync(0);
    jest.setSystemTime(START + DAY);
    const [second, before] = await salts.current();
    expect([second?.period, before]).toEqual([PERIOD + 1, first]);
    expect(second?.secret).not.toBe(first?.secret);
    jest.setSystemTime(START + 3 * DAY);
    expect(await periodsOf(salts)).toStrictEqual([PERIOD + 3]);
  });

  it('of another instance with other clocks are ignored', async () => {
    const salts = [PERIOD - 2, PERIOD - 1, PERIOD + 1, PERIOD].map((period) => ({ period, secret: 's' }));
    jest.spyOn(store, 'loadSalts').mockImplementation(async (next) => {
      next(START);
      return salts;
    });
    expect(await periodsOf(create())).toStrictEqual([PERIOD, PERIOD - 1]);
  });

  it('change by the clock of the database', async () => {
    store.ahead = DAY - HOUR;
    const salts = create();
    expect(await periodsOf(salts)).toStrictEqual([PERIOD]);
    jest.setSystemTime(START + HOUR - 1);
    expect(await periodsOf(salts)).toStrictEqual([PERIOD]);
    jest.setSystemTime(START + HOUR);
    expect(await periodsOf(salts)).toStrictEqual([PERIOD + 1, PERIOD]);
  });

  it('are loaded once for all requests that wait for them', async () => {
    const salts = create();
    const [one, other] = await Promise.all([salts.current(), salts.current()]);
    expect(one).toBe(other);
    expect(store.loads).toEqual([{ at: 0, timeout: DEFAULTS.writer.timeout }]);
  });

  it('are loaded again if more than an hour has passed, in the background', async () => {
    const salts = create({ cookieless: { rotate: 'month' } });
    const before = await salts.current();
    jest.setSystemTime(START + HOUR);
    expect(await salts.current()).toBe(before);
    expect(store.loadTimes).toEqual([0]);
    jest.setSystemTime(START + HOUR + 1);
    expect(await salts.current()).toBe(before);
    expect(store.loadTimes).toEqual([0, HOUR + 1]);
    await jest.advanceTimersByTimeAsync(0);
    await salts.current();
    expect(store.loadTimes).toEqual([0, HOUR + 1]);
  });

  it('stay in use in an outage until their period is over', async () => {
    const salts = create();
    const before = await salts.current();
    store.failure = LOCKED;
    jest.setSystemTime(START + DAY - 1);
    expect(await salts.current()).toBe(before);
    jest.setSystemTime(START + DAY);
    await expect(salts.current()).rejects.toBe(LOCKED);
    store.failure = undefined;
    expect(await periodsOf(salts)).toStrictEqual([PERIOD + 1, PERIOD]);
  });

  it('are looked at every ten minutes, and visits that are over are deleted whatever the period, also after a failure', async () => {
    const salts = create({ cookieless: { rotate: 'month' } });
    salts.onApplicationBootstrap();
    store.failure = LOCKED;
    await jest.advanceTimersByTimeAsync(HOUR / 6);
    store.failure = undefined;
    await jest.advanceTimersByTimeAsync((5 * HOUR) / 6 + 1);
    const { timeout } = DEFAULTS.writer;
    expect(store.deletions).toEqual(
      [1, 2, 3, 4, 5, 6].map((i) => ({ at: (i * HOUR) / 6, limit: 1000, timeout })),
    );
    expect(store.loadTimes).toEqual([HOUR / 6, HOUR / 3]);
    await salts.beforeApplicationShutdown();
    await jest.advanceTimersByTimeAsync(HOUR);
    expect(store.deletions).toHaveLength(6);
  });

  it('have visits deleted in batches, with rests of nine times their duration', async () => {
    store.visitsLeft = 2500;
    store.duration = 100;
    const looks = [create(), create()].map((salts) => [salts.look(), salts.look()]);
    await jest.advanceTimersByTimeAsync(5000);
    await Promise.all(looks.flat());
    // Each instance has one deletion at a time.
    expect(store.deletionTimes).toEqual([0, 0, 1000, 1000]);
    expect(store.visitsLeft).toBe(0);
    store.duration = 0;
    expect(store.loadTimes).toEqual([0, 0]);
  });

  it('end after the deletion under way when the application shuts down', async () => {
    store.visitsLeft = 5000;
    store.duration = 100;
    const salts = create();
    const look = salts.look();
    await jest.advanceTimersByTimeAsync(50);
    let isOver = false;
    const shutdown = salts.beforeApplicationShutdown().then(() => (isOver = true));
    await jest.advanceTimersByTimeAsync(49);
    expect(isOver).toBe(false);
    await jest.advanceTimersByTimeAsync(10_000);
    await Promise.all([look, shutdown]);
    expect(store.deletionTimes).toEqual([0]);
  });

  it('have a few visits deleted when they are loaded, without background work', async () => {
    const salts = create({ statistics: { background: false } });
    salts.onApplicationBootstrap();
    await jest.advanceTimersByTimeAsync(HOUR);
    expect(store.deletions).toEqual([]);
    const loaded = salts.current();
    await jest.advanceTimersByTimeAsync(0);
    await loaded;
    expect(store.deletions).toEqual([{ at: HOUR, limit: 200, timeout: 500 }]);
  });

  it('need no deletion of visits when they are loaded', async () => {
    jest.spyOn(store, 'deleteReservedVisits').mockRejectedValue(LOCKED);
    expect(await periodsOf(create({ statistics: { background: false } }))).toStrictEqual([PERIOD]);
    expect(await periodsOf(create())).toStrictEqual([PERIOD]);
    expect(store.deletions).toEqual([]);
  });

  it('are not looked at if all visitors have a cookie', async () => {
    create({ privacy: 'identified' }).onApplicationBootstrap();
    await jest.advanceTimersByTimeAsync(HOUR);
    expect([store.loads, store.deletions]).toEqual([[], []]);
  });
});
