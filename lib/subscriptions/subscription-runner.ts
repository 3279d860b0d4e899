import { randomUUID } from 'node:crypto';
import type { Activity } from '../activity/activity.js';
import type { ActivityHandler } from '../options/subscription.options.js';
import type { DeliveryState, Outbox, Settlement } from '../store/outbox.js';
import type { Store } from '../store/store.js';
import { UnavailableError } from '../store/unavailable.error.js';
import { monotonicClock } from '../time/clock.js';
import { DeliveryLog, TIMEOUT } from './delivery-log.js';
import { DeliveryError } from './delivery.error.js';
import type { Subscription } from './subscription.js';
import { withTimeLimit } from '../time/time-limit.js';

// Milliseconds.
/** Between two searches for activities that other instances have stored. */
const POLL = 1000;
const FIRST_PAUSE = 1000;
const MAX_PAUSE = 600_000;
/** After the database did not answer. */
const TROUBLE_PAUSE = 1000;
/** How long a subscription may be parked before its waiting activities are deleted. */
const MAX_PARKED = 30 * 86_400_000;
/** How many activities from before the subscription are read at once. */
const HISTORY_PAGE = 500;

/** The kind of failure if instances end while they deliver. */
const PROCESS_ENDED = 'the process ended';

/** The value that a handler has thrown, which may be anything. */
interface Failed {
  thrown: unknown;
}

/** The next delivery. */
interface Batch {
  activities: Activity[];
  /** The entries and the history position to store after the delivery. */
  done: Pick<Settlement, 'entries' | 'history'>;
}

/**
 * Delivers one subscription while this instance holds its lease, a row with a deadline by the database's clock. This instance
 * counts its time from before it asked for the lease, so it stops before another one may begin. What was delivered is deleted from the
 * outbox only if the lease is still held.
 */
export class SubscriptionRunner {
  private readonly holder = randomUUID();
  private readonly log: DeliveryLog;
  /** Until when no other instance delivers, by the monotonic clock. */
  private heldUntil = 0;
  private running: Promise<void> | undefined;
  private isClosing = false;
  /** Aborts the call of the handler that is under way. */
  private current: AbortController | undefined;
  /** Ends the pause that is under way. */
  private goOn: (() => void) | undefined;
  private isWakeable = false;
  private isWoken = false;
  private isRegistered = false;
  /** Whether the handler takes longer than it should. */
  private isLate = false;
  /** How many entries the failed delivery had: the next try takes the same ones, although more may wait by now. */
  private retrySize: number | undefined;

  constructor(
    private readonly subscription: Subscription,
    private readonly handle: ActivityHandler['handle'],
    private readonly outbox: Outbox,
    store: Pick<Store, 'incidents'>,
  ) {
    this.log = new DeliveryLog(subscription, store);
  }

  private get name(): string {
    return this.subscription.name;
  }

  get matches(): Subscription['matches'] {
    return this.subscription.matches;
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Called when this process has committed activities of the subscription. */
  wake(): void {
    this.isWoken = true;
    if (this.isWakeable) this.goOn?.();
  }

  /** Aborts the signal of the handler, and waits for the handler, at most so many milliseconds. */
  async stop(within: number): Promise<void> {
    this.isClosing = true;
    this.current?.abort(new Error('the application is shutting down'));
    this.goOn?.();
    await withTimeLimit(within, this.running, () => {});
  }

  /** Never rejects. */
  private async run(): Promise<void> {
    while (!this.isClosing) {
      try {
        await this.sleep(await this.deliverWhileLeased());
      } catch (error) {
        // A failure of the database is in the log already.
        if (!(error instanceof UnavailableError)) this.log.failed(error);
        await this.sleep(TROUBLE_PAUSE);
      }
    }
    // If this fails, another instance takes over when the lease is over.
    if (this.heldUntil > 0) await this.outbox.release(this.name, this.holder).catch(() => {});
  }

  /**
   * Takes or renews the lease, and delivers until it must be renewed again.
   * @returns milliseconds to wait
   */
  private async deliverWhileLeased(): Promise<number> {
    const { lease, from, maxFailures } = this.subscription;
    if (!this.isRegistered) {
      await this.outbox.register(this.name, from === 'beginning');
      this.isRegistered = true;
    }
    const state = await this.withLease(() => this.outbox.take(this.name, this.holder, lease));
    if (!state) return lease / 4;
    if (state.parkedFor !== undefined) return this.stayParked(state);
    // An instance that ended with nothing to deliver is no failure.
    if (state.failures >= maxFailures && (await this.nextBatch(state))) {
      // Instances ended while they delivered, again and again.
      await this.settle({ failure: { error: PROCESS_ENDED, retryIn: 0, isParked: true } });
      return 0;
    }
    // No pause is longer: if this one seems to be, the database's clock was set back.
    if (state.retryIn > 0 && state.retryIn <= MAX_PAUSE) return Math.min(state.retryIn, lease / 4);
    while (this.timeLeft() > lease / 2 && !this.isClosing) {
      this.isWoken = false;
      const batch = await this.nextBatch(state);
      if (!batch) {
        if (state.failures > 0) await this.succeed(state, {});
        await this.sleep(Math.min(POLL, lease / 4), true);
        continue;
      }
      if (!(await this.deliver(batch, state))) return 0;
    }
    return 0;
  }

  private async nextBatch({ history }: DeliveryState): Promise<Batch | undefined> {
    const { maxBatch, matches, countThatFits } = this.subscription;
    if (!history) return this.nextWaiting();
    const { activities, next } = await this.outbox.findHistory(this.name, history, HISTORY_PAGE);
    const matching = activities.filter(matches);
    const most = matching.slice(0, maxBatch);
    const some = most.slice(0, countThatFits(most));
    const last = some.at(-1);
    const isAll = matching.length === some.length || !last;
    return { activities: some, done: { history: isAll ? next : { date: last.date.getTime(), id: last.id } } };
  }

  private async nextWaiting(): Promise<Batch | undefined> {
    const { maxBatch, matches, countThatFits } = this.subscription;
    const waiting = await this.outbox.findWaiting(this.name, this.retrySize ?? maxBatch);
    if (waiting.length === 0) return undefined;
    // An activity that was sent again under a stored id has an entry, although the stored one may not match.
    const own = waiting.filter(({ activity }) => activity && matches(activity));
    const activities = own.flatMap(({ activity }) => activity ?? []);
    const count = countThatFits(activities);
    const after = own[count];
    const settled = after ? waiting.slice(0, waiting.indexOf(after)) : waiting;
    return {
      activities: activities.slice(0, count),
      done: { entries: settled.map(({ number }) => number) },
    };
  }

  /** @returns true if this instance may continue immediately */
  private async deliver({ activities, done }: Batch, state: DeliveryState): Promise<boolean> {
    // The search may have taken longer than the lease.
    if (this.timeLeft() <= this.subscription.lease / 2) await this.renew();
    if (this.isClosing || this.isLeaseEnding()) return false;
    // The batch has no activities if all are erased, or do not match the subscription.
    const error = activities.length > 0 ? await this.call(activities, state.failures + 1) : undefined;
    // If another instance has taken over, nothing is settled below.
    const isLeaseOver = this.timeLeft() <= 0;
    if (!error) {
      const isSettled = await this.succeed(state, done);
      if (isLeaseOver) this.log.lostLease();
      return isSettled;
    }
    if (this.isClosing) return false;
    this.retrySize = done.entries?.length;
    return this.fail(state, error);
  }

  private async succeed(state: DeliveryState, done: Batch['done']): Promise<boolean> {
    const isHeld = await this.settle(done);
    if (!isHeld) return false;
    state.failures = 0;
    this.retrySize = undefined;
    if (done.history !== undefined) state.history = done.history;
    this.log.worked();
    return true;
  }

  private async fail(state: DeliveryState, { thrown }: Failed): Promise<false> {
    const failures = state.failures + 1;
    const isFinal = thrown instanceof DeliveryError && thrown.isFinal;
    const isParked = isFinal || failures >= this.subscription.maxFailures;
    const longest = Math.min(FIRST_PAUSE * 2 ** (failures - 1), MAX_PAUSE);
    // A random part, so that after an outage not all receivers are called again at the same moment.
    const retryIn = longest * (0.75 + Math.random() / 4);
    await this.settle({ failure: { error: this.log.failed(thrown), retryIn, isParked } });
    return false;
  }

  /**
   * Calls the handler, and renews the lease as long as it runs.
   * @returns what the handler threw
   */
  private async call(activities: Activity[], attempt: number): Promise<Failed | undefined> {
    const { lease, timeout } = this.subscription;
    const controller = new AbortController();
    this.current = controller;
    const renewal = setInterval(() => void this.renew(), lease / 4).unref();
    const watch = setInterval(() => {
      if (this.isLeaseEnding()) controller.abort(new Error('another instance may take over'));
    }, lease / 20).unref();
    const late = setTimeout(() => {
      this.isLate = true;
      this.log.late();
      controller.abort(new Error(this.log.lateness));
    }, timeout).unref();
    try {
      await this.handle(activities, { signal: controller.signal, attempt });
      return undefined;
    } catch (error) {
      return { thrown: error };
    } finally {
      clearInterval(renewal);
      clearInterval(watch);
      clearTimeout(late);
      this.current = undefined;
      this.isLate = false;
    }
  }

  private async renew(): Promise<void> {
    const { lease } = this.subscription;
    if (this.isLate) this.log.late();
    const error = this.isLate ? TIMEOUT : undefined;
    // The database may answer again before the lease is over.
    await this.withLease(() => this.outbox.renew(this.name, this.holder, lease, error)).catch(() => {});
  }

  private settle(result: Settlement): Promise<boolean> {
    const { lease } = this.subscription;
    return this.withLease(() => this.outbox.settle(this.name, this.holder, lease, result));
  }

  /** Runs a statement that takes or renews the lease. Its time is counted from before the statement. */
  private async withLease<T>(ask: () => Promise<T>): Promise<T> {
    const begun = monotonicClock.now();
    const answer = await ask();
    this.heldUntil = answer ? Math.max(this.heldUntil, begun + this.subscription.lease) : 0;
    return answer;
  }

  private timeLeft(): number {
    return this.heldUntil - monotonicClock.now();
  }

  /** Whether the lease is lost, or so little of it is left that the handler must stop now. */
  private isLeaseEnding(): boolean {
    return this.timeLeft() <= this.subscription.lease / 10;
  }

  private async stayParked(state: DeliveryState): Promise<number> {
    this.log.parked(state);
    if ((state.parkedFor ?? 0) > MAX_PARKED) await this.outbox.discard(this.name);
    return this.subscription.lease / 4;
  }

  /** @param isWakeable whether activities of this process end the pause early; the end of the process always does */
  private async sleep(milliseconds: number, isWakeable = false): Promise<void> {
    if (milliseconds <= 0 || this.isClosing || (isWakeable && this.isWoken)) return;
    let timer: NodeJS.Timeout | undefined;
    this.isWakeable = isWakeable;
    await new Promise<void>((resolve) => {
      this.goOn = resolve;
      timer = setTimeout(resolve, milliseconds);
    });
    this.goOn = undefined;
    clearTimeout(timer);
  }
}
