import { AsyncLocalStorage } from 'node:async_hooks';
import type { StoredActivity } from '../../lib/activity/activity.js';
import { ActivityWriter } from '../../lib/activity/activity.writer.js';
import { IncidentLog } from '../../lib/diagnostics/incident-log.js';
import { type OutcomeCount, OutcomeCounter } from '../../lib/diagnostics/outcome-counter.js';
import { OutcomeFlush } from '../../lib/health/outcome-flush.js';
import { toSettings } from '../../lib/options/validation.js';
import type { Write } from '../../lib/store/batch.js';
import type { StoreFailure } from '../../lib/store/store.js';
import { monotonicClock } from '../../lib/time/clock.js';
import { MemoryStore } from '../support/memory-store.js';

const START = Date.UTC(2026, 10, 28, 12);
const DATE = new Date(START);
const NO_CONNECTION = new Error('no connection');
const NO_TABLE = new Error('no such table');

/** A store that can be slow, closed or broken, and that notes what it is given. */
class CountingStore extends MemoryStore {
  readonly lines: string[] = [];
  override readonly incidents = new IncidentLog(
    { log: this.lineWriter('log'), warn: this.lineWriter('warn'), error: this.lineWriter('error') },
    { now: Date.now },
  );
  override isOpen = true;
  readonly added: { at: number; counts: Record<string, number>; timeout: number }[] = [];
  failure: Error | undefined;
  /** What each call waits for. */
  answer: Promise<void> | undefined;
  /** What each write of activities waits for. */
  written: Promise<void> | undefined;

  override async addOutcomes(counts: OutcomeCount[], timeout = Number.NaN): Promise<void> {
    const byCause = Object.fromEntries(counts.map(({ cause, count }) => [cause, count]));
    this.added.push({ at: Date.now() - START, counts: byCause, timeout });
    await this.answer;
    if (this.failure) throw this.failure;
    await super.addOutcomes(counts);
  }

  override async lendWriter(work: (write: Write) => Promise<void>): Promise<void> {
    await this.written;
    await super.lendWriter(work);
  }

  override classifyError(error?: unknown): StoreFailure | undefined {
    if (error === NO_CONNECTION) return { kind: 'transient', code: 'DOWN', reason: 'no connection' };
    if (error === NO_TABLE) return { kind: 'schema', code: 'TABLE', reason: 'no such table' };
    return undefined;
  }

  private lineWriter(level: string): (line: unknown) => void {
    return (line) => void this.lines.push(`${level} ${String(line)}`);
  }
}

function activity(path: string): StoredActivity {
  const nobody = { userId: null, userName: null, sessionId: null, visitId: null, ipAddress: null };
  const nowhere = { groupId: null, groupName: null };
  const others = { route: null, referer: null, properties: null, subject: null, interactive: null };
  return { id: path, date: DATE, receivedAt: DATE, name: 'view', path, ...nobody, ...nowhere, ...others };
}

/** A promise, and the function that resolves it. */
function gate(): { promise: Promise<void>; open: () => void } {
  let open = (): void => {};
  const promise = new Promise<void>((resolve) => (open = resolve));
  return { promise, open };
}

const pass = (milliseconds: number): Promise<void> => jest.advanceTimersByTimeAsync(milliseconds);

let store: CountingStore;
let outcomes: OutcomeCounter;
let writer: ActivityWriter;
let flush: OutcomeFlush;

function start(background: boolean): void {
  const settings = toSettings({ statistics: { background } });
  store = new CountingStore();
  outcomes = new OutcomeCounter();
  writer = new ActivityWriter(store, settings.writer, undefined, { now: Date.now });
  flush = new OutcomeFlush(outcomes, writer, store, settings);
}

beforeEach(() => {
  jest.useFakeTimers({ now: START });
  jest.spyOn(monotonicClock, 'now').mockImplementation(() => Date.now());
});

afterEach(() => {
  jest.restoreAllMocks();
  jest.useRealTimers();
});

describe('in the background, counts', () => {
  beforeEach(() => start(true));

  it('are stored together, 15 s after the first one', async () => {
    outcomes.count('stored');
    await pass(10_000);
    outcomes.count('stored');
    outcomes.count('400.date');
    await pass(4999);
    expect(store.added).toEqual([]);
    await pass(1);
    expect(store.added).toEqual([{ at: 15_000, counts: { stored: 2, '400.date': 1 }, timeout: 2000 }]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('are stored again 15 s after the next one', async () => {
    outcomes.count('stored');
    await pass(60_000);
    outcomes.count('stored');
    await pass(60_000);
    expect(store.added).toMatchObject([
      { at: 15_000, counts: { stored: 1 } },
      { at: 75_000, counts: { stored: 1 } },
    ]);
  });

  it('are not waited for by any request', () => {
    expect(outcomes.beforeAnswer).toBeUndefined();
  });

  it('are stored outside of the request that counts', () => {
    const requests = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const setTimer = globalThis.setTimeout;
    jest.spyOn(globalThis, 'setTimeout').mockImplementation((work, delay) => {
      seen.push(requests.getStore());
      return setTimer(work, delay);
    });
    requests.run('request', () => outcomes.count('stored'));
    expect(seen).toEqual([undefined]);
  });

  it('are kept if the database does not take them, and added to later ones', async () => {
    store.failure = NO_CONNECTION;
    outcomes.count('stored');
    await pass(15_000);
    outcomes.count('stored', 2);
    await pass(14_999);
    expect(store.added).toHaveLength(1);
    store.failure = undefined;
    await pass(1);
    expect(store.added).toMatchObject([
      { at: 15_000, counts: { stored: 1 } },
      { at: 30_000, counts: { stored: 3 } },
    ]);
    await expect(store.findOutcomes(0)).resolves.toEqual([{ hour: START, cause: 'stored', count: 3 }]);
    await pass(60_000);
    expect(store.added).toHaveLength(2);
  });
});

describe('a flush', () => {
  beforeEach(() => start(true));

  it('stores what was counted, within 2 s or a given time', async () => {
    outcomes.count('stored');
    await flush.flush();
    outcomes.count('bot');
    await flush.flush(300);
    expect(store.added).toMatchObject([
      { counts: { stored: 1 }, timeout: 2000 },
      { counts: { bot: 1 }, timeout: 300 },
    ]);
  });

  it('stores nothing if nothing was counted', async () => {
    await flush.flush();
    expect(store.added).toEqual([]);
  });

  it('keeps the counts if the store is closed', async () => {
    store.isOpen = false;
    outcomes.count('stored');
    await flush.flush();
    expect(store.added).toEqual([]);
    store.isOpen = true;
    await flush.flush();
    expect(store.added).toMatchObject([{ counts: { stored: 1 } }]);
  });

  it('waits for one that runs, and then stores once what was counted meanwhile', async () => {
    const gates = [gate(), gate()];
    store.answer = gates[0]?.promise;
    outcomes.count('stored');
    const first = flush.flush();
    await pass(0);
    outcomes.count('bot');
    let done = 0;
    const others = [1, 2].map(() => flush.flush().then(() => (done += 1)));
    await pass(0);
    expect(store.added.map(({ counts }) => counts)).toEqual([{ stored: 1 }]);
    store.answer = gates[1]?.promise;
    gates[0]?.open();
    await first;
    await pass(0);
    expect(store.added.map(({ counts }) => counts)).toEqual([{ stored: 1 }, { bot: 1 }]);
    expect(done).toBe(0);
    gates[1]?.open();
    await Promise.all(others);
    expect(store.added).toHaveLength(2);
  });

  it('says in the log that a table is missing, and that this is over', async () => {
    store.failure = NO_TABLE;
    outcomes.count('stored');
    await flush.flush();
    const symptom = 'the counts of stored and refused activities cannot be saved';
    expect(store.lines).toEqual([`warn ${symptom}: no such table`]);
    store.failure = undefined;
    await flush.flush();
    expect(store.lines.slice(1)).toEqual([expect.stringMatching(`^log over after .*: ${symptom}$`)]);
    await expect(store.findOutcomes(0)).resolves.toMatchObject([{ cause: 'stored', count: 1 }]);
  });

  it.each([
    ['a lost connection', NO_CONNECTION],
    ['an error that is none of the database', new Error('broken')],
  ])('keeps the counts and logs nothing after %s', async (_, failure) => {
    store.failure = failure;
    outcomes.count('stored');
    await flush.flush();
    expect(store.lines).toEqual([]);
    expect(outcomes.isEmpty).toBe(false);
  });
});

describe('without background work, counts', () => {
  beforeEach(() => start(false));

  it('are stored by a request, at most every 15 s, within half a second', async () => {
    outcomes.count('stored');
    await outcomes.beforeAnswer?.();
    expect(store.added).toEqual([{ at: 0, counts: { stored: 1 }, timeout: 500 }]);
    outcomes.count('bot');
    await pass(14_999);
    await outcomes.beforeAnswer?.();
    expect(store.added).toHaveLength(1);
    await pass(1);
    await outcomes.beforeAnswer?.();
    expect(store.added.slice(1)).toEqual([{ at: 15_000, counts: { bot: 1 }, timeout: 500 }]);
  });

  it('are not stored after an answer', async () => {
    outcomes.count('stored');
    expect(jest.getTimerCount()).toBe(0);
    await pass(60_000);
    expect(store.added).toEqual([]);
  });
});

describe('a shutdown', () => {
  it('stores the counts, within half a second', async () => {
    start(true);
    outcomes.count('stored');
    await flush.beforeApplicationShutdown();
    expect(store.added).toEqual([{ at: 0, counts: { stored: 1 }, timeout: 500 }]);
    expect(jest.getTimerCount()).toBe(0);
  });

  it('waits for activities that are being written, so that they are counted', async () => {
    start(true);
    const { promise, open } = gate();
    store.written = promise;
    const answer = async (): Promise<void> => {
      await writer.write([activity('a')]);
      // A request does some more before it is answered and counted.
      for (let i = 0; i < 20; i++) await Promise.resolve();
      outcomes.count('stored');
    };
    const request = answer();
    await pass(1);
    const shutdown = flush.beforeApplicationShutdown();
    await pass(1);
    expect(store.added).toEqual([]);
    open();
    await Promise.all([request, shutdown]);
    expect(store.added).toMatchObject([{ counts: { stored: 1 } }]);
  });

  it('stores nothing that is counted later', async () => {
    start(true);
    await flush.beforeApplicationShutdown();
    outcomes.count('stored');
    expect(jest.getTimerCount()).toBe(0);
    await pass(60_000);
    expect(store.added).toEqual([]);
  });

  it('ends the tries, and what the log says about them', async () => {
    start(true);
    store.failure = NO_TABLE;
    outcomes.count('stored');
    await flush.beforeApplicationShutdown();
    outcomes.count('bot');
    expect(jest.getTimerCount()).toBe(0);
    await pass(60_000);
    expect(store.added).toHaveLength(1);
    expect(store.lines).toEqual([]);
  });
});
