import { Activity } from '../../lib/activity/activity.js';
import type { Cursor } from '../../lib/activity/pagination.js';
import { IncidentLog } from '../../lib/diagnostics/incident-log.js';
import type { Delivery, SubscriptionOptions } from '../../lib/options/subscription.options.js';
import type { DeliveryState, History, Outbox, Settlement, WaitingEntry } from '../../lib/store/outbox.js';
import { UnavailableError } from '../../lib/store/unavailable.error.js';
import { DeliveryError } from '../../lib/subscriptions/delivery.error.js';
import { SubscriptionRunner } from '../../lib/subscriptions/subscription-runner.js';
import { type Subscription, subscriptionsOf } from '../../lib/subscriptions/subscription.js';
import { monotonicClock } from '../../lib/time/clock.js';

const START = Date.UTC(2026, 10, 28);
const DAY = 86_400_000;
const NAME = 'mail';
const LEASE = 10_000;
const SYMPTOM = `the subscription ${NAME} cannot be delivered`;

interface Call {
  /** Milliseconds since the start of the test. */
  at: number;
  method: string;
  args: unknown[];
}

const now = (): number => Date.now() - START;

const activityOf = (name: string): Activity =>
  Object.assign(new Activity(), { id: `id of ${name}`, name, path: '/', date: new Date(START) });

/** An outbox in memory with one subscription, which notes its calls. Its clock is that of the test. */
class MemoryOutbox implements Outbox {
  readonly calls: Call[] = [];
  readonly entries: WaitingEntry[] = [];
  /** Activities from before the subscription. */
  readonly past: Activity[] = [];
  failures = 0;
  retryAt = 0;
  parkedAt: number | undefined;
  error: string | null = null;
  history: Cursor | null = null;
  /** The instance that has the lease, and until when. */
  holder: string | undefined;
  leaseUntil = 0;
  /** Returns an error if a call must fail, without an effect. */
  refuse: (method: string) => Error | undefined = () => undefined;
  /** The answer of a call waits for this promise, after its effect. */
  delay: (method: string) => Promise<unknown> | undefined = () => undefined;
  private numbers = 0;

  add(...names: string[]): void {
    for (const name of names) this.entries.push({ number: (this.numbers += 1), activity: activityOf(name) });
  }

  /** Another instance takes the lease. */
  takeOver(): void {
    this.holder = 'another instance';
    this.leaseUntil = now() + LEASE;
  }

  timesOf(method: string): number[] {
    return this.calls.filter((call) => call.method === method).map(({ at }) => at);
  }

  get settlements(): unknown[] {
    return this.calls.filter(({ method }) => method === 'settle').map(({ args }) => args.at(-1));
  }

  register(...args: [name: string, fromBeginning: boolean]): Promise<void> {
    return this.answer('register', args, () => {});
  }

  take(name: string, holder: string, lease: number): Promise<DeliveryState | undefined> {
    return this.answer('take', [name, lease], () => {
      if (this.holder !== undefined && this.holder !== holder) {
        if (this.leaseUntil > now()) return undefined;
        if (this.parkedAt === undefined) this.failures += 1;
      }
      this.holder = holder;
      this.leaseUntil = now() + lease;
      const { failures, error, history, parkedAt } = this;
      const parkedFor = parkedAt === undefined ? undefined : now() - parkedAt;
      return { failures, error, history, parkedFor, retryIn: Math.max(0, this.retryAt - now()) };
    });
  }

  renew(name: string, holder: string, lease: number, error?: string): Promise<boolean> {
    return this.answer('renew', [name, lease, error], () => this.isRenewed(holder, lease));
  }

  release(name: string, holder: string): Promise<void> {
    return this.answer('release', [name], () => {
      if (this.holder === holder) this.holder = undefined;
    });
  }

  findWaiting(name: string, limit: number): Promise<WaitingEntry[]> {
    return this.answer('findWaiting', [name, limit], () => this.entries.slice(0, limit));
  }

  findHistory(name: string, after: Cursor, limit: number): Promise<History> {
    return this.answer('findHistory', [name, after.id, limit], () => {
      const rest = this.past.slice(this.past.findIndex(({ id }) => id === after.id) + 1);
      const activities = rest.slice(0, limit);
      const last = activities.at(-1);
      const isLast = rest.length <= limit || !last;
      return { activities, next: isLast ? null : { date: last.date.getTime(), id: last.id } };
    });
  }

  settle(name: string, holder: string, lease: number, result: Settlement): Promise<boolean> {
    return this.answer('settle', [name, lease, result], () => {
      const { entries = [], history, failure } = result;
      if (history !== undefined && !this.history) return false;
      if (!this.isRenewed(holder, lease)) return false;
      this.failures = failure ? this.failures + 1 : 0;
      this.error = failure?.error ?? null;
      if (failure) this.retryAt = now() + failure.retryIn;
      if (failure?.isParked) this.parkedAt = now();
      if (history !== undefined) this.history = history;
      for (const number of entries)
        this.entries.splice(
          this.entries.findIndex((entry) => entry.number === number),
          1,
        );
      return true;
    });
  }

  discard(name: string): Promise<void> {
    return this.answer('discard', [name], () => void this.entries.splice(0));
  }

  resume(): Promise<boolean> {
    Object.assign(this, { failures: 0, retryAt: 0, parkedAt: undefined, error: null });
    return Promise.resolve(true);
  }

  status(): Promise<never> {
    return Promise.reject(new Error('not called by a runner'));
  }

  deleteAbandoned(): Promise<never> {
    return Promise.reject(new Error('not called by a runner'));
  }

  private isRenewed(holder: string, lease: number): boolean {
    if (this.holder !== holder) return false;
    this.leaseUntil = now() + lease;
    return true;
  }

  private async answer<T>(method: string, args: unknown[], work: () => T): Promise<T> {
    this.calls.push({ at: now(), method, args });
    const error = this.refuse(method);
    if (error) throw error;
    const answer = work();
    await this.delay(method);
    return answer;
  }
}

describe('the delivery of a subscription', () => {
  let outbox: MemoryOutbox;
  let runner: SubscriptionRunner;
  let lines: string[];
  /** The calls of the handler. */
  let delivered: { at: number; names: string[]; attempt: number }[];
  /** The signal of the last call. */
  let signal: AbortSignal;
  /** Called by the handler. */
  let react: (activities: Activity[], delivery: Delivery) => unknown;

  beforeEach(() => {
    jest.useFakeTimers({ now: START });
    jest.spyOn(monotonicClock, 'now').mockImplementation(now);
    jest.spyOn(Math, 'random').mockReturnValue(0);
    outbox = new MemoryOutbox();
    lines = [];
    delivered = [];
    react = () => {};
  });

  afterEach(async () => {
    outbox.refuse = () => undefined;
    const stopped = runner.stop(0);
    // Longer than each handler and each answer.
    await jest.advanceTimersByTimeAsync(100_000);
    await stopped;
    if (jest.getTimerCount() > 0) throw new Error('a timer keeps the process from ending');
    jest.restoreAllMocks();
    jest.useRealTimers();
  });

  type Given = Partial<SubscriptionOptions & Pick<Subscription, 'countThatFits'>>;

  function create({ countThatFits, ...options }: Given = {}): void {
    const [subscription] = subscriptionsOf({
      subscriptions: [{ name: NAME, handler: () => {}, ...options }],
    });
    if (!subscription) throw new Error('no subscription');
    if (countThatFits) subscription.countThatFits = countThatFits;
    const handle = (activities: Activity[], delivery: Delivery): unknown => {
      const names = activities.map(({ name }) => name);
      delivered.push({ at: now(), names, attempt: delivery.attempt });
      signal = delivery.signal;
      return react(activities, delivery);
    };
    const lineWriter =
      (level: string) =>
      (line: unknown): void =>
        void lines.push(`${level} ${String(line)}`);
    const logger = { log: lineWriter('log'), warn: lineWriter('warn'), error: lineWriter('error') };
    runner = new SubscriptionRunner(subscription, handle, outbox, {
      incidents: new IncidentLog(logger, { now }),
    });
  }

  function start(given: Given = {}): Promise<void> {
    create(given);
    runner.start();
    return pass(0);
  }

  const pass = (milliseconds: number): Promise<void> => jest.advanceTimersByTimeAsync(milliseconds);

  const wait = (milliseconds: number): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, milliseconds));

  const namesOf = (): string[][] => delivered.map(({ names }) => names);

  /** The handler fails from now on. */
  function fail(error: unknown = new TypeError('no receiver')): void {
    react = () => {
      throw error;
    };
  }

  describe('of what waits', () => {
    it('registers the subscription, takes the lease and delivers in order, in batches, each after the one before', async () => {
      outbox.add('a', 'b', 'c', 'd', 'e');
      react = () => wait(10);
      await start({ maxBatch: 2 });
      await pass(29);
      expect(delivered).toEqual([
        { at: 0, names: ['a', 'b'], attempt: 1 },
        { at: 10, names: ['c', 'd'], attempt: 1 },
        { at: 20, names: ['e'], attempt: 1 },
      ]);
      expect(outbox.entries).toHaveLength(1);
      await pass(1);
      expect(outbox.calls).toEqual([
        { at: 0, method: 'register', args: [NAME, false] },
        { at: 0, method: 'take', args: [NAME, LEASE] },
        { at: 0, method: 'findWaiting', args: [NAME, 2] },
        { at: 10, method: 'settle', args: [NAME, LEASE, { entries: [1, 2] }] },
        { at: 10, method: 'findWaiting', args: [NAME, 2] },
        { at: 20, method: 'settle', args: [NAME, LEASE, { entries: [3, 4] }] },
        { at: 20, method: 'findWaiting', args: [NAME, 2] },
        { at: 30, method: 'settle', args: [NAME, LEASE, { entries: [5] }] },
        { at: 30, method: 'findWaiting', args: [NAME, 2] },
      ]);
      expect(signal.aborted).toBe(false);
      expect(lines).toEqual([]);
    });

    it('runs once, however often it is started', async () => {
      await start();
      runner.start();
      await pass(0);
      expect(outbox.timesOf('take')).toEqual([0]);
    });

    it('searches each second for activities of other instances', async () => {
      await start();
      expect(outbox.timesOf('findWaiting')).toEqual([0]);
      outbox.add('a');
      await pass(999);
      expect(delivered).toEqual([]);
      await pass(1);
      expect(delivered).toEqual([{ at: 1000, names: ['a'], attempt: 1 }]);
      await pass(2000);
      expect(outbox.timesOf('findWaiting')).toEqual([0, 1000, 1000, 2000, 3000]);
    });

    it('searches four times in a lease that is shorter than four seconds', async () => {
      await start({ lease: 2000 });
      await pass(999);
      expect(outbox.timesOf('findWaiting')).toEqual([0, 500]);
    });

    it('begins at once if this process has committed an activity', async () => {
      await start();
      await pass(300);
      outbox.add('a');
      runner.wake();
      await pass(0);
      expect(delivered).toEqual([{ at: 300, names: ['a'], attempt: 1 }]);
      // One wake is one search.
      await pass(999);
      expect(outbox.timesOf('findWaiting')).toEqual([0, 300, 300]);
      await pass(1);
      expect(outbox.timesOf('findWaiting')).toEqual([0, 300, 300, 1300]);
    });

    it('searches again at once if an activity is committed during a search', async () => {
      outbox.delay = (method) => (method === 'findWaiting' ? wait(20) : undefined);
      await start();
      await pass(10);
      outbox.add('a');
      runner.wake();
      await pass(30);
      expect(delivered).toEqual([{ at: 40, names: ['a'], attempt: 1 }]);
      // The search at 60 comes after a pause of a second.
      await pass(1030);
      expect(outbox.timesOf('findWaiting')).toEqual([0, 20, 40, 1060]);
      outbox.add('b');
      runner.wake();
      await pass(30);
      expect(delivered.slice(1)).toEqual([{ at: 1100, names: ['b'], attempt: 1 }]);
    });

    it('leaves out what does not match or is erased, which then waits no more', async () => {
      outbox.add('view', 'order.paid');
      outbox.entries.push({ number: 100 });
      outbox.add('order.sent', 'view');
      await start({ filter: { name: 'order.*' } });
      expect(namesOf()).toEqual([['order.paid', 'order.sent']]);
      expect(outbox.settlements).toEqual([{ entries: [1, 2, 100, 3, 4] }]);
    });

    it('calls no handler if nothing of a batch matches, and continues with the next', async () => {
      outbox.add('view', 'view', 'order.paid');
      await start({ filter: { name: 'order.*' }, maxBatch: 2 });
      expect(namesOf()).toEqual([['order.paid']]);
      expect(outbox.settlements).toEqual([{ entries: [1, 2] }, { entries: [3] }]);
    });

    it('delivers as many as fit, and settles no entry after those', async () => {
      outbox.add('view', 'order.1', 'order.2', 'view', 'order.3', 'view');
      await start({ filter: { name: 'order.*' }, countThatFits: ({ length }) => Math.min(length, 2) });
      expect(namesOf()).toEqual([['order.1', 'order.2'], ['order.3']]);
      expect(outbox.settlements).toEqual([{ entries: [1, 2, 3, 4] }, { entries: [5, 6] }]);
    });

    it('shows which activities of this process must wake it', () => {
      create({ filter: { name: 'order.*' } });
      expect(['order.paid', 'view'].map((name) => runner.matches(activityOf(name)))).toEqual([true, false]);
    });
  });

  describe('of what was stored before', () => {
    const BEGINNING: Cursor = { date: -1, id: '' };

    function storeBefore(...names: string[]): void {
      outbox.past.push(...names.map(activityOf));
      outbox.history = BEGINNING;
    }

    const cursorAt = (name: string): Cursor => ({ date: START, id: activityOf(name).id });

    it('comes first, in batches of what matches, and is followed by what waits', async () => {
      storeBefore('old.1', 'view', 'old.2', 'old.3', 'view');
      outbox.add('new');
      await start({ from: 'beginning', filter: { name: ['old.*', 'new'] }, maxBatch: 2 });
      expect(outbox.calls[0]).toEqual({ at: 0, method: 'register', args: [NAME, true] });
      expect(namesOf()).toEqual([['old.1', 'old.2'], ['old.3'], ['new']]);
      expect(outbox.settlements).toEqual([
        { history: cursorAt('old.2') },
        { history: null },
        { entries: [1] },
      ]);
      expect(outbox.calls.filter(({ method }) => method === 'findHistory')).toEqual([
        { at: 0, method: 'findHistory', args: [NAME, '', 500] },
        { at: 0, method: 'findHistory', args: [NAME, cursorAt('old.2').id, 500] },
      ]);
    });

    it('is read page by page: a page that is delivered completely ends at its last activity', async () => {
      storeBefore(...Array.from({ length: 600 }, (_, i) => (i % 300 === 0 ? `old.${i}` : `view.${i}`)));
      await start({ filter: { name: 'old.*' } });
      expect(namesOf()).toEqual([['old.0', 'old.300']]);
      expect(outbox.settlements).toEqual([{ history: cursorAt('view.499') }, { history: null }]);
    });

    it('has as many in one delivery as fit', async () => {
      storeBefore('old.1', 'old.2', 'old.3');
      await start({ countThatFits: ({ length }) => Math.min(length, 1) });
      expect(namesOf()).toEqual([['old.1'], ['old.2'], ['old.3']]);
      expect(outbox.settlements).toEqual([
        { history: cursorAt('old.1') },
        { history: cursorAt('old.2') },
        { history: null },
      ]);
    });

    it('comes again after a failure, from the same place', async () => {
      storeBefore('old.1', 'old.2');
      react = ([activity], { attempt }) => {
        if (activity?.name === 'old.2' && attempt === 1) throw new Error('broken');
      };
      await start({ maxBatch: 1 });
      await pass(750);
      expect(delivered).toEqual([
        { at: 0, names: ['old.1'], attempt: 1 },
        { at: 0, names: ['old.2'], attempt: 1 },
        { at: 750, names: ['old.2'], attempt: 2 },
      ]);
    });

    it('ends if it is left out during a delivery', async () => {
      storeBefore('old.1', 'old.2');
      outbox.add('new');
      react = () => {
        outbox.history = null;
      };
      await start({ maxBatch: 1 });
      expect(namesOf()).toEqual([['old.1'], ['new']]);
    });
  });

  describe('after a failure', () => {
    it('comes again after pauses that double up to 10 minutes, with a random part', async () => {
      outbox.add('a');
      fail();
      jest.spyOn(Math, 'random').mockReturnValueOnce(0.8);
      await start();
      await pass(2 * 3_600_000);
      const pauses = delivered.slice(1).map(({ at }, i) => at - (delivered[i]?.at ?? 0));
      expect(pauses.slice(0, 12)).toEqual([
        950, 1500, 3000, 6000, 12_000, 24_000, 48_000, 96_000, 192_000, 384_000, 450_000, 450_000,
      ]);
      expect(delivered.map(({ attempt }) => attempt)).toEqual(delivered.map((_, i) => i + 1));
      expect(outbox.settlements[0]).toEqual({
        failure: { error: 'TypeError', retryIn: 950, isParked: false },
      });
    });

    it('renews the lease four times in its length while it waits', async () => {
      outbox.add('a');
      outbox.retryAt = 6000;
      await start();
      await pass(6000);
      expect(outbox.timesOf('take')).toEqual([0, 2500, 5000, 6000]);
      expect(delivered).toEqual([{ at: 6000, names: ['a'], attempt: 1 }]);
    });

    it('does not come earlier because other activities are committed', async () => {
      outbox.add('a');
      fail();
      await start();
      outbox.add('b');
      runner.wake();
      await pass(749);
      expect(delivered).toHaveLength(1);
      await pass(1);
      expect(delivered).toHaveLength(2);
      expect(outbox.timesOf('take').slice(0, 3)).toEqual([0, 0, 750]);
    });

    it.each([
      ['comes again after 10 minutes', 600_000, 0],
      ['comes again at once if the pause seems to be longer, because a clock was set back', 600_001, 1],
    ])('%s', async (_, retryAt, count) => {
      outbox.add('a');
      outbox.retryAt = retryAt;
      await start();
      expect(delivered).toHaveLength(count);
      await pass(600_000);
      expect(delivered).toHaveLength(1);
    });

    it('has the same entries as before, although more wait, and then all others', async () => {
      outbox.add('a', 'b');
      fail();
      await start();
      outbox.add('c', 'd', 'e');
      react = () => {};
      await pass(750);
      expect(delivered).toEqual([
        { at: 0, names: ['a', 'b'], attempt: 1 },
        { at: 750, names: ['a', 'b'], attempt: 2 },
        { at: 750, names: ['c', 'd', 'e'], attempt: 1 },
      ]);
      expect(lines).toEqual([
        `warn ${SYMPTOM}: no receiver`,
        expect.stringMatching(/^log over after 0.8 s .*cannot be delivered$/),
      ]);
    });

    it.each<[string, unknown, string]>([
      ['an error', new TypeError('no receiver'), 'TypeError'],
      ['a delivery error', new DeliveryError('it answered 503', '503'), '503'],
      ['nothing', undefined, 'Error'],
    ])('takes %s for a failure, also if a promise rejects with it', async (_, error, code) => {
      outbox.add('a');
      react = () => Promise.reject(error);
      await start();
      expect(outbox.settlements).toEqual([{ failure: { error: code, retryIn: 750, isParked: false } }]);
      expect(outbox.entries).toHaveLength(1);
    });

    it('parks the subscription after the last of several', async () => {
      outbox.add('a');
      fail();
      await start({ maxFailures: 2 });
      await pass(750);
      expect(outbox.settlements).toEqual([
        { failure: { error: 'TypeError', retryIn: 750, isParked: false } },
        { failure: { error: 'TypeError', retryIn: 1500, isParked: true } },
      ]);
      await pass(3_600_000);
      expect(delivered).toHaveLength(2);
    });

    it('parks it at once if another try is useless', async () => {
      outbox.add('a');
      fail(new DeliveryError('it answered 410', '410', true));
      await start();
      expect(outbox.settlements).toEqual([{ failure: { error: '410', retryIn: 750, isParked: true } }]);
      expect(outbox.parkedAt).toBe(0);
    });

    it('counts from the beginning after a success', async () => {
      outbox.add('a', 'b');
      const errors = [new Error('broken'), undefined, new Error('broken')];
      react = () => {
        const error = errors.shift();
        if (error) throw error;
      };
      await start({ maxBatch: 1, maxFailures: 2 });
      await pass(1500);
      expect(delivered.map(({ names, attempt }) => [...names, attempt])).toEqual([
        ['a', 1],
        ['a', 2],
        ['b', 1],
        ['b', 2],
      ]);
    });
  });

  describe('of a parked subscription', () => {
    it('waits, and says in the log how to resume it', async () => {
      outbox.add('a');
      Object.assign(outbox, { parkedAt: 0, failures: 3, error: '503' });
      await start();
      await pass(7500);
      expect(delivered).toEqual([]);
      expect(outbox.timesOf('take')).toEqual([0, 2500, 5000, 7500]);
      expect(lines).toEqual([
        expect.stringMatching(/^error .*cannot be delivered: .*ActivitySubscriptions\.resume\('mail'\)/),
      ]);
      await outbox.resume();
      await pass(2500);
      expect(delivered).toEqual([{ at: 10_000, names: ['a'], attempt: 1 }]);
    });

    it('deletes what waits after 30 days', async () => {
      outbox.add('a');
      outbox.parkedAt = -30 * DAY;
      await start();
      await pass(2499);
      expect(outbox.timesOf('discard')).toEqual([]);
      await pass(1);
      expect(outbox.calls.at(-1)).toEqual({ at: 2500, method: 'discard', args: [NAME] });
      expect(outbox.entries).toEqual([]);
    });
  });

  describe('with several instances', () => {
    it('renews the lease after half of it if nothing is to be delivered', async () => {
      await start();
      await pass(10_000);
      expect(outbox.timesOf('take')).toEqual([0, 5000, 10_000]);
      expect(outbox.timesOf('register')).toEqual([0]);
    });

    it('counts the lease from before it has asked for it', async () => {
      outbox.delay = (method) => (method === 'take' ? wait(3000) : undefined);
      await start();
      await pass(5000);
      expect(outbox.timesOf('take')).toEqual([0, 5000]);
    });

    it('has the lease until the latest time that an answer has given it, though answers come in another order', async () => {
      outbox.add('a');
      react = () => wait(4900);
      outbox.delay = (method) => (method === 'renew' ? wait(3500) : undefined);
      await start();
      await pass(10_000);
      expect(outbox.timesOf('renew')).toEqual([2500]);
      expect(outbox.timesOf('settle')).toEqual([4900]);
      // At 6000 comes the answer of the renewal, which is valid until 12,500; the delivery has renewed it until 14,900.
      expect(outbox.timesOf('take')).toEqual([0, 9900]);
    });

    it('needs no other renewal as long as it delivers, which renews the lease', async () => {
      await start();
      for (let i = 0; i < 8; i++) {
        outbox.add(`${i}`);
        await pass(1000);
      }
      expect(delivered).toHaveLength(8);
      expect(outbox.timesOf('take')).toEqual([0]);
    });

    it('waits until the lease of another one is over, which was a failure of that one', async () => {
      outbox.add('a');
      outbox.takeOver();
      await start();
      await pass(9999);
      expect(outbox.calls.map(({ method }) => method)).toEqual(['register', 'take', 'take', 'take', 'take']);
      expect(outbox.timesOf('take')).toEqual([0, 2500, 5000, 7500]);
      await pass(1);
      expect(delivered).toEqual([{ at: 10_000, names: ['a'], attempt: 2 }]);
    });

    it('parks the subscription if so many have ended while they delivered', async () => {
      outbox.add('a');
      Object.assign(outbox, { holder: 'another instance', failures: 1 });
      await start({ maxFailures: 2 });
      expect(delivered).toEqual([]);
      expect(outbox.settlements).toEqual([
        { failure: { error: 'the process ended', retryIn: 0, isParked: true } },
      ]);
      expect(lines).toEqual([expect.stringContaining('parked after 3 failures')]);
      await pass(2499);
      expect(outbox.timesOf('take')).toEqual([0, 0]);
    });

    it('tries it once more if one less has ended', async () => {
      outbox.add('a');
      Object.assign(outbox, { holder: 'another instance', failures: 1 });
      await start({ maxFailures: 3 });
      expect(delivered).toEqual([{ at: 0, names: ['a'], attempt: 3 }]);
    });

    it('takes it for no failure that they have ended while nothing waited', async () => {
      Object.assign(outbox, { holder: 'another instance', failures: 1 });
      await start({ maxFailures: 2 });
      expect(outbox.settlements).toEqual([{}]);
      expect(outbox.failures).toBe(0);
      await pass(1000);
      expect(outbox.settlements).toEqual([{}]);
    });

    it('settles nothing if another one has taken over', async () => {
      outbox.add('a');
      react = () => outbox.takeOver();
      await start();
      expect(outbox.entries).toHaveLength(1);
      expect(outbox.timesOf('take')).toEqual([0, 0]);
      // It asks for nothing more than the lease.
      expect(outbox.timesOf('findWaiting')).toEqual([0]);
      await pass(2499);
      expect(outbox.timesOf('take')).toEqual([0, 0]);
    });

    it('does not say that a problem is over if another one has taken over', async () => {
      outbox.add('a');
      fail();
      await start();
      react = () => outbox.takeOver();
      await pass(1000);
      expect(delivered).toHaveLength(2);
      expect(lines).toEqual([`warn ${SYMPTOM}: no receiver`]);
    });

    it('renews the lease before a delivery if the search took half of it', async () => {
      outbox.add('a');
      outbox.delay = (method) => (method === 'findWaiting' ? wait(5000) : undefined);
      await start();
      await pass(5000);
      expect(outbox.timesOf('renew')).toEqual([5000]);
      expect(delivered).toEqual([{ at: 5000, names: ['a'], attempt: 1 }]);
    });

    it('needs no renewal before a delivery if the search took less', async () => {
      outbox.add('a');
      outbox.delay = (method) => (method === 'findWaiting' ? wait(4999) : undefined);
      await start();
      await pass(4999);
      expect(outbox.timesOf('renew')).toEqual([]);
      expect(delivered).toEqual([{ at: 4999, names: ['a'], attempt: 1 }]);
    });

    it('delivers nothing if another one has taken over during a long search', async () => {
      outbox.add('a');
      outbox.delay = (method) => (method === 'findWaiting' ? wait(12_000) : undefined);
      await start();
      await pass(11_000);
      outbox.takeOver();
      await pass(9999);
      expect(delivered).toEqual([]);
    });

    it('delivers nothing after a long search if the lease cannot be renewed', async () => {
      outbox.add('a');
      outbox.delay = (method) => (method === 'findWaiting' ? wait(9000) : undefined);
      outbox.refuse = (method) => (method === 'renew' ? new UnavailableError('no connection') : undefined);
      await start();
      await pass(9500);
      expect(delivered).toEqual([]);
      expect(outbox.timesOf('take')).toEqual([0, 9000]);
    });

    it('stops if another one takes over while nothing waits', async () => {
      outbox.failures = 1;
      outbox.delay = (method) => {
        if (method === 'findWaiting') outbox.takeOver();
        return undefined;
      };
      await start();
      outbox.add('a');
      await pass(3500);
      expect(outbox.timesOf('findWaiting')).toEqual([0]);
    });
  });

  describe('while the handler runs', () => {
    it('renews the lease four times in its length, and not after it', async () => {
      outbox.add('a');
      react = () => wait(12_000);
      await start();
      await pass(20_000);
      expect(outbox.timesOf('renew')).toEqual([2500, 5000, 7500, 10_000]);
      expect(outbox.calls.find(({ method }) => method === 'renew')?.args).toEqual([NAME, LEASE, undefined]);
      expect(signal.aborted).toBe(false);
      expect(outbox.settlements).toEqual([{ entries: [1] }]);
      expect(lines).toEqual([]);
    });

    it('aborts its signal after the timeout, and says so as long as it runs', async () => {
      outbox.add('a', 'b');
      react = ([activity]) => wait(activity?.name === 'a' ? 70_000 : 4000);
      await start({ maxBatch: 1, timeout: 4000 });
      await pass(3999);
      expect(signal.aborted).toBe(false);
      await pass(1);
      expect(signal.reason).toMatchObject({ message: 'the handler takes longer than 4000 ms' });
      expect(lines).toEqual([`warn ${SYMPTOM}: the handler takes longer than 4000 ms`]);
      await pass(61_000);
      expect(lines).toEqual([
        `warn ${SYMPTOM}: the handler takes longer than 4000 ms`,
        `warn ${SYMPTOM}, 26 times in 61 s: the handler takes longer than 4000 ms`,
      ]);
      const errors = (): unknown[] =>
        outbox.calls.filter(({ method }) => method === 'renew').map(({ args }) => args[2]);
      expect(errors().slice(0, 3)).toEqual([undefined, 'TIMEOUT', 'TIMEOUT']);
      // It still counts as running until it ends, and then has worked.
      expect(delivered).toHaveLength(1);
      await pass(5000);
      expect(outbox.settlements).toEqual([{ entries: [1] }]);
      expect(delivered).toHaveLength(2);
      const count = errors().length;
      await pass(3000);
      expect(errors().slice(count)).toEqual([undefined]);
    });

    it('says nothing if it has ended before the timeout', async () => {
      outbox.add('a');
      react = () => wait(3999);
      await start({ timeout: 4000 });
      await pass(60_000);
      expect(signal.aborted).toBe(false);
      expect(lines).toEqual([]);
    });

    it('aborts its signal before the end of a lease that cannot be renewed', async () => {
      outbox.add('a');
      react = () => wait(30_000);
      outbox.delay = (method) => (method === 'findWaiting' ? wait(20) : undefined);
      outbox.refuse = (method) => (method === 'renew' ? new UnavailableError('no connection') : undefined);
      await start();
      await pass(8519);
      expect(signal.aborted).toBe(false);
      expect(outbox.timesOf('renew')).toEqual([2520, 5020, 7520]);
      await pass(501);
      expect(signal.reason).toMatchObject({ message: 'another instance may take over' });
    });

    it('continues if the lease is renewed in time after a failure', async () => {
      outbox.add('a');
      react = () => wait(12_000);
      outbox.refuse = (method) =>
        method === 'renew' && now() < 7500 ? new UnavailableError('no connection') : undefined;
      await start();
      await pass(12_000);
      expect(signal.aborted).toBe(false);
      expect(outbox.settlements).toEqual([{ entries: [1] }]);
      expect(lines).toEqual([]);
    });

    it('aborts its signal as soon as it knows that another instance has taken over', async () => {
      outbox.add('a');
      react = () => wait(30_000);
      await start();
      outbox.takeOver();
      await pass(2499);
      expect(signal.aborted).toBe(false);
      await pass(501);
      expect(signal.reason).toMatchObject({ message: 'another instance may take over' });
    });

    it('says that it has blocked the event loop for longer than the lease, and settles what it has done', async () => {
      outbox.add('a');
      react = () => jest.setSystemTime(START + LEASE);
      await start();
      expect(lines).toEqual([expect.stringContaining('longer than the lease of 10000 ms')]);
      expect(outbox.entries).toEqual([]);
    });

    it('says nothing about the lease if it has blocked the event loop for less', async () => {
      outbox.add('a');
      react = () => jest.setSystemTime(START + LEASE - 1);
      await start();
      expect(lines).toEqual([]);
      expect(outbox.entries).toEqual([]);
    });
  });

  describe('if the database fails', () => {
    it('tries again after a second, and leaves the log to the store', async () => {
      outbox.add('a');
      outbox.refuse = (method) => (method === 'register' ? new UnavailableError('no connection') : undefined);
      await start();
      await pass(1999);
      expect(outbox.timesOf('register')).toEqual([0, 1000]);
      outbox.refuse = () => undefined;
      await pass(1);
      expect(delivered).toEqual([{ at: 2000, names: ['a'], attempt: 1 }]);
      expect(lines).toEqual([]);
    });

    it('has an unknown error in the log', async () => {
      outbox.refuse = (method) => (method === 'findWaiting' ? new RangeError('no number') : undefined);
      await start();
      await pass(500);
      runner.wake();
      await pass(2000);
      expect(outbox.timesOf('take')).toEqual([0, 1000, 2000]);
      expect(lines).toEqual([`warn ${SYMPTOM}: no number`]);
    });

    it('delivers again what could not be settled', async () => {
      outbox.add('a');
      outbox.refuse = (method) => (method === 'settle' ? new UnavailableError('no connection') : undefined);
      await start();
      outbox.refuse = () => undefined;
      await pass(1000);
      expect(delivered).toEqual([
        { at: 0, names: ['a'], attempt: 1 },
        { at: 1000, names: ['a'], attempt: 1 },
      ]);
      expect(outbox.entries).toEqual([]);
    });
  });

  describe('at the end of the application', () => {
    /** Stops the runner; the time when it was stopped. */
    function stop(within = 5000): { at: number | undefined } {
      const end: { at: number | undefined } = { at: undefined };
      void runner.stop(within).then(() => (end.at = now()));
      return end;
    }

    it('ends a pause and gives the lease to others', async () => {
      await start();
      await pass(300);
      const end = stop();
      await pass(0);
      expect(end.at).toBe(300);
      expect(outbox.calls.at(-1)).toEqual({ at: 300, method: 'release', args: [NAME] });
      expect(outbox.holder).toBeUndefined();
      expect(jest.getTimerCount()).toBe(0);
      await pass(20_000);
      expect(outbox.calls.at(-1)?.method).toBe('release');
    });

    it('ends the pause after a failure', async () => {
      outbox.add('a');
      fail();
      await start();
      const end = stop();
      await pass(0);
      expect([end.at, outbox.holder]).toEqual([0, undefined]);
    });

    it('leaves the lease of another instance alone', async () => {
      outbox.takeOver();
      await start();
      const end = stop();
      await pass(0);
      expect(end.at).toBe(0);
      expect(outbox.timesOf('release')).toEqual([]);
    });

    it('does not wait if it has not begun', async () => {
      create();
      const end = stop();
      await pass(0);
      expect(end.at).toBe(0);
      runner.start();
      await pass(0);
      expect(outbox.calls).toEqual([]);
    });

    it('ends although the lease cannot be released', async () => {
      await start();
      outbox.refuse = () => new UnavailableError('no connection');
      const end = stop();
      await pass(0);
      expect(end.at).toBe(0);
      expect(lines).toEqual([]);
    });

    it('aborts the signal of the handler, waits for it, and settles what it has done', async () => {
      outbox.add('a', 'b');
      react = () => wait(1000);
      await start({ maxBatch: 1 });
      const end = stop();
      expect(signal.reason).toMatchObject({ message: 'the application is shutting down' });
      await pass(999);
      expect(end.at).toBeUndefined();
      await pass(1);
      expect(end.at).toBe(1000);
      expect(outbox.settlements).toEqual([{ entries: [1] }]);
      expect(namesOf()).toEqual([['a']]);
      expect(outbox.calls.at(-1)?.method).toBe('release');
    });

    it('takes it for no failure that the handler ends with an error', async () => {
      outbox.add('a');
      react = async (_, delivery) => {
        await wait(1000);
        delivery.signal.throwIfAborted();
      };
      await start();
      stop();
      await pass(1000);
      expect(outbox.settlements).toEqual([]);
      expect(outbox.calls.at(-1)?.method).toBe('release');
      expect(lines).toEqual([]);
    });

    it('waits for the handler no longer than it may', async () => {
      outbox.add('a');
      react = () => wait(10_000);
      await start();
      const end = stop(400);
      await pass(399);
      expect(end.at).toBeUndefined();
      await pass(1);
      expect(end.at).toBe(400);
      await pass(9600);
    });

    it('delivers nothing that it finds only then', async () => {
      outbox.add('a');
      outbox.delay = (method) => (method === 'findWaiting' ? wait(100) : undefined);
      await start();
      const end = stop();
      await pass(100);
      expect(end.at).toBe(100);
      expect(delivered).toEqual([]);
      expect(outbox.entries).toHaveLength(1);
    });

    it.each(['take', 'register'])('does not search after the answer of %s', async (given) => {
      outbox.add('a');
      outbox.delay = (method) => (method === given ? wait(100) : undefined);
      await start();
      const end = stop();
      await pass(300);
      expect(end.at).toBeLessThanOrEqual(200);
      expect(outbox.timesOf('findWaiting')).toEqual([]);
      expect(outbox.holder).toBeUndefined();
    });

    it('does not wait for the next try if the database fails at that moment', async () => {
      outbox.delay = (method) => (method === 'findWaiting' ? wait(100) : undefined);
      await start();
      const end = stop();
      outbox.delay = async () => {
        await wait(50);
        throw new UnavailableError('no connection');
      };
      await pass(150);
      expect(end.at).toBeLessThanOrEqual(150);
    });
  });
});
