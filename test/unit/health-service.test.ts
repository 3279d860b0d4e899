import type { StoredActivity } from '../../lib/activity/activity.js';
import { ActivityWriter } from '../../lib/activity/activity.writer.js';
import { type OutcomeCount, OutcomeCounter, type Refusal } from '../../lib/diagnostics/outcome-counter.js';
import { version } from '../../lib/generated/version.js';
import { DjaffarHealthIndicator } from '../../lib/health/health.indicator.js';
import { HealthService, MAX_HOURS } from '../../lib/health/health.service.js';
import type { Health } from '../../lib/health/health.types.js';
import { OutcomeFlush } from '../../lib/health/outcome-flush.js';
import type { DjaffarOptions } from '../../lib/options/djaffar.options.js';
import { toSettings } from '../../lib/options/validation.js';
import type { Outbox, SubscriptionStatus } from '../../lib/store/outbox.js';
import type { StoreFailure } from '../../lib/store/store.js';
import { MemoryStore, silentOutbox } from '../../lib/testing/memory.store.js';

const HOUR = 3_600_000;
/** The hour of the database's clock. */
const CURRENT = Date.UTC(2026, 10, 28, 12);
const NOW = CURRENT + 34 * 60_000;
/** By the clock of this process, which is two hours late. */
const OWN_NOW = NOW - 2 * HOUR;

/** A store whose answers a test decides, and that notes what it is asked. It writes no activities. */
class AnsweringStore extends MemoryStore {
  override outbox: Outbox | undefined = undefined;
  lag = 0;
  /** What the question for the lag waits for. */
  answer: Promise<void> | undefined;
  failure: unknown;
  knownFailure: StoreFailure | undefined;
  doneAt = 0;
  counts: OutcomeCount[] = [];
  readonly asked: unknown[] = [];

  override lendWriter(): Promise<void> {
    return new Promise(() => {});
  }

  override async findLag(): Promise<{ lag: number; now: number }> {
    await this.answer;
    if (this.failure !== undefined) throw this.failure;
    return { lag: this.lag, now: NOW };
  }

  override async addOutcomes(counts: OutcomeCount[], timeout = Number.NaN): Promise<void> {
    this.asked.push({ timeout });
    this.counts.push(...counts);
  }

  override async findOutcomes(since: number): Promise<OutcomeCount[]> {
    this.asked.push({ hours: (CURRENT - since) / HOUR + 1 });
    return this.counts.filter(({ hour }) => hour >= since);
  }

  override page(...given: Parameters<MemoryStore['page']>): ReturnType<MemoryStore['page']> {
    this.asked.push(given);
    return super.page(...given);
  }

  override async retainedAt(): Promise<{ doneAt: number; now: number }> {
    return { doneAt: this.doneAt, now: NOW };
  }

  override classifyError(): StoreFailure | undefined {
    return this.knownFailure;
  }

  add(id: string, receivedAt: number): void {
    this.activities.set(id, { ...activityOf(id, receivedAt), page: null });
  }
}

function activityOf(id: string, receivedAt: number): StoredActivity {
  const date = new Date(receivedAt);
  const nobody = { userId: null, userName: null, sessionId: null, visitId: null, ipAddress: null };
  const nowhere = { groupId: null, groupName: null };
  const others = { route: null, referer: null, properties: null, subject: null, interactive: null };
  return { id, date, receivedAt: date, name: 'view', path: '/', ...nobody, ...nowhere, ...others };
}

let store: AnsweringStore;
let outcomes: OutcomeCounter;
let writer: ActivityWriter;
let health: HealthService;
let indicator: DjaffarHealthIndicator;

function start(options: DjaffarOptions = {}): void {
  const settings = toSettings(options);
  store = new AnsweringStore();
  outcomes = new OutcomeCounter();
  writer = new ActivityWriter(store, settings.writer, undefined, { now: Date.now });
  const flush = new OutcomeFlush(outcomes, writer, store, settings);
  health = new HealthService(store, settings, outcomes, flush, writer);
  indicator = new DjaffarHealthIndicator(store, settings, writer);
}

/** Lets so many activities wait. */
function wait(count: number): void {
  const activities = Array.from({ length: count }, (_, i) => activityOf(`a${i}`, OWN_NOW));
  writer.write(activities).catch(() => {});
}

beforeEach(() => {
  jest.useFakeTimers({ now: OWN_NOW });
  start();
});

afterEach(() => jest.useRealTimers());

describe('the report', () => {
  const count = (cause: string, times: number, hours: number): void =>
    void store.counts.push({ hour: CURRENT - hours * HOUR, cause, count: times });

  const stateOf = (report: Health, name: string): string | undefined =>
    report.checks.find((check) => check.name === name)?.state;

  it('has the counts of the last 24 hours by the clock of the database', async () => {
    count('stored', 3, 0);
    count('400.date', 2, 23);
    count('transform', 1, 24);
    const { now, hours, causes } = await health.report();
    expect(now).toBe('2026-11-28T12:34:00.000Z');
    expect(hours).toHaveLength(24);
    expect(hours[0]).toEqual({ start: '2026-11-27T13:00:00.000Z', stored: 0, dropped: 0, refused: 2 });
    expect(hours[23]).toEqual({ start: '2026-11-28T12:00:00.000Z', stored: 3, dropped: 0, refused: 0 });
    expect(causes.map(({ cause }) => cause)).toEqual(['400.date']);
  });

  it('has the counts of fewer hours, and checks 24', async () => {
    count('stored', 1, 2);
    count('400.date', 1, 2);
    count('403', 1, 1);
    const report = await health.report(2);
    expect(report.hours).toMatchObject([{ stored: 0, refused: 1 }, { stored: 0 }]);
    expect(report.causes.map(({ cause }) => cause)).toEqual(['403']);
    expect(stateOf(report, 'stored')).toBe('ok');
    expect(store.asked).toContainEqual({ hours: 24 });
  });

  it('has the counts of more hours, and checks 24', async () => {
    count('stored', 1, 24);
    count('403', 1, 23);
    count('400.date', 1, 47);
    count('transform', 1, 48);
    const report = await health.report(48);
    expect(report.hours).toHaveLength(48);
    expect(report.hours[0]).toMatchObject({ start: '2026-11-26T13:00:00.000Z', refused: 1, dropped: 0 });
    expect(report.causes.map(({ cause }) => cause)).toEqual(['400.date', '403']);
    expect(report.checks.find(({ name }) => name === 'stored')?.text).toContain('a guard of your app');
    expect(store.asked).toContainEqual({ hours: 48 });
  });

  it('has the counts of at most 30 days', async () => {
    const { hours } = await health.report(MAX_HOURS);
    expect(hours).toHaveLength(720);
    expect(hours[0]?.start).toBe('2026-10-29T13:00:00.000Z');
  });

  it('has what this instance has just counted, if the database takes it within half a second', async () => {
    outcomes.count('stored', 5);
    const { hours } = await health.report();
    expect(store.asked[0]).toEqual({ timeout: 500 });
    expect(hours[21]).toMatchObject({ stored: 5 });
  });

  it('has the refusals, what waits, and the versions', async () => {
    start({ writer: { maxWaiting: 70 } });
    const refusal: Refusal = {
      at: '2026-11-28T10:00:00.000Z',
      status: 403,
      cause: '403',
      method: 'POST',
      contentType: null,
      origin: null,
    };
    outcomes.refuse(refusal);
    wait(7);
    await expect(health.report()).resolves.toMatchObject({
      refusals: [refusal],
      waiting: 7,
      maxWaiting: 70,
      versions: { djaffar: version, node: process.version, database: 'memory' },
    });
  });

  it('looks at the cookie only if visitors have one', async () => {
    count('stored', 5, 0);
    expect(stateOf(await health.report(), 'cookie')).toBe('wrong');
    start({ privacy: 'cookieless' });
    count('stored', 5, 0);
    expect(stateOf(await health.report(), 'cookie')).toBeUndefined();
  });

  it('says when an activity was stored for the last time by any instance', async () => {
    const empty = await health.report();
    expect(empty.lastCommit).toBeNull();
    expect(stateOf(empty, 'script')).toBe('waiting');
    store.add('a', NOW - 2000);
    store.add('b', NOW - 1000);
    const report = await health.report();
    expect(report.lastCommit).toBe('2026-11-28T12:33:59.000Z');
    expect(stateOf(report, 'script')).toBeUndefined();
    expect(store.asked).toContainEqual([{}, { limit: 1, order: 'desc' }]);
  });

  it('says when this instance has stored an activity, which may be erased', async () => {
    outcomes.storedAt = NOW - 3000;
    const report = await health.report();
    expect(report.lastCommit).toBe('2026-11-28T12:33:57.000Z');
    expect(stateOf(report, 'script')).toBeUndefined();
    store.add('a', NOW - 4000);
    expect((await health.report()).lastCommit).toBe('2026-11-28T12:33:57.000Z');
    store.add('b', NOW - 2000);
    expect((await health.report()).lastCommit).toBe('2026-11-28T12:33:58.000Z');
  });

  it('says in seconds how far the statistics are behind', async () => {
    store.lag = 61_500;
    expect((await health.report()).rollupLag).toBe(61.5);
    await expect(health.rollupLag()).resolves.toBe(61_500);
  });

  it('describes the retention, and when it was done', async () => {
    expect((await health.report()).retention).toBeNull();
    start({ retention: { keep: '90 days' } });
    expect((await health.report()).retention).toEqual({ policy: 'erased after 90 days', doneAt: null });
    store.doneAt = NOW;
    expect((await health.report()).retention?.doneAt).toBe('2026-11-28T12:34:00.000Z');
  });

  it('has the subscriptions with dates as text', async () => {
    expect((await health.report()).subscriptions).toEqual([]);
    const status = { waiting: 1, isCatchingUp: true, failures: 2, error: '503' };
    const statuses: SubscriptionStatus[] = [
      { name: 'a', ...status, nextTryAt: new Date(NOW), parkedAt: null },
      { name: 'b', ...status, nextTryAt: null, parkedAt: new Date(CURRENT) },
    ];
    store.outbox = { ...silentOutbox, status: () => Promise.resolve(statuses) };
    expect((await health.report()).subscriptions).toEqual([
      { name: 'a', ...status, nextTryAt: '2026-11-28T12:34:00.000Z', parkedAt: null },
      { name: 'b', ...status, nextTryAt: null, parkedAt: '2026-11-28T12:00:00.000Z' },
    ]);
  });

  it('says that tables are missing, and has what is known without them', async () => {
    store.failure = new Error('no such table');
    store.knownFailure = { kind: 'schema', code: 'TABLE', reason: 'no such table', isNotMigrated: true };
    wait(7);
    const report = await health.report(3);
    expect(report).toMatchObject({
      now: '2026-11-28T10:34:00.000Z',
      causes: [],
      checks: [{ name: 'tables', state: 'wrong', text: expect.stringMatching(/../) }],
      lastCommit: null,
      rollupLag: 0,
      retention: null,
      subscriptions: [],
      waiting: 7,
      versions: { djaffar: version },
    });
    expect(report.checks).toHaveLength(1);
    expect(report.checks[0]?.cure).toContain('migrations');
    expect(report.hours.map((hour) => hour.start)).toEqual([
      '2026-11-28T08:00:00.000Z',
      '2026-11-28T09:00:00.000Z',
      '2026-11-28T10:00:00.000Z',
    ]);
  });

  it.each<[string, StoreFailure | undefined]>([
    ['a missing permission', { kind: 'schema', code: 'PERMISSION', reason: 'permission denied' }],
    ['an error that is none of the database', undefined],
  ])('is rejected because of %s', async (_, knownFailure) => {
    store.failure = new Error('no report');
    store.knownFailure = knownFailure;
    await expect(health.report()).rejects.toBe(store.failure);
  });
});

describe('the health indicator', () => {
  it('is up, and says what waits and how far the statistics are behind', async () => {
    store.lag = 90_500;
    wait(7);
    await expect(indicator.isHealthy()).resolves.toStrictEqual({
      djaffar: { status: 'up', waiting: 7, rollupLag: 90.5 },
    });
  });

  it('has the given key', async () => {
    await expect(indicator.isHealthy('tracking')).resolves.toStrictEqual({
      tracking: { status: 'up', waiting: 0, rollupLag: 0 },
    });
  });

  it.each([
    [60_000, 'up', undefined],
    [60_600, 'down', 'the statistics are 61 s behind'],
  ])('with 60 s as the limit, and statistics that are %i ms behind, is %s', async (lag, status, message) => {
    store.lag = lag;
    const { djaffar } = await indicator.isHealthy('djaffar', { maxRollupLag: 60 });
    expect(djaffar).toStrictEqual({
      status,
      waiting: 0,
      rollupLag: lag / 1000,
      ...(message !== undefined && { message }),
    });
  });

  it.each([
    [18, 'up', undefined],
    [19, 'down', '19 activities wait to be written (writer.maxWaiting: 20)'],
  ])('with room for 20 activities, of which %i wait, is %s', async (waiting, status, message) => {
    start({ writer: { maxWaiting: 20 } });
    wait(waiting);
    const { djaffar } = await indicator.isHealthy();
    expect(djaffar).toStrictEqual({
      status,
      waiting,
      rollupLag: 0,
      ...(message !== undefined && { message }),
    });
  });

  it.each([
    [undefined, 2000],
    [300, 300],
  ])('with a time limit of %s ms is down after %i ms without an answer', async (timeout, limit) => {
    store.answer = new Promise(() => {});
    let found: unknown = 'waits';
    void indicator
      .isHealthy('djaffar', { ...(timeout !== undefined && { timeout }) })
      .then((result) => (found = result));
    await jest.advanceTimersByTimeAsync(limit - 1);
    expect(found).toBe('waits');
    await jest.advanceTimersByTimeAsync(1);
    const message = `the database did not answer within ${limit} ms`;
    expect(found).toStrictEqual({ djaffar: { status: 'down', waiting: 0, message } });
  });

  it.each<[string, StoreFailure | undefined, string]>([
    ['of the database', { kind: 'transient', code: 'DOWN', reason: 'no connection' }, 'no connection'],
    ['of another kind', undefined, 'Error: broken'],
  ])('is down after an error %s', async (_, knownFailure, message) => {
    start({ writer: { maxWaiting: 20 } });
    wait(20);
    store.failure = new Error('broken');
    store.knownFailure = knownFailure;
    await expect(indicator.isHealthy()).resolves.toStrictEqual({
      djaffar: { status: 'down', waiting: 20, message },
    });
  });
});
