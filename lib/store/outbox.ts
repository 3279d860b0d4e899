import type { Activity, StoredActivity } from '../activity/activity.js';
import type { Cursor } from '../activity/cursor.js';

/** What a store puts into the outbox, in the transaction of the activities. */
export interface OutboxSubscription {
  name: string;
  matches: (activity: StoredActivity) => boolean;
}

/** How the delivery of a subscription goes, as all instances have it in common. */
export interface DeliveryState {
  /** Failures in a row, also those of instances that ended while they delivered. */
  failures: number;
  /** Milliseconds until the next try. */
  retryIn: number;
  /** Milliseconds since nothing is delivered any more; `undefined` if it is not parked. */
  parkedFor?: number | undefined;
  /** The kind of the last failure. */
  error: string | null;
  /** The last activity of before the subscription that was delivered; `null` if only new ones are. */
  history: Cursor | null;
}

/** An activity that waits for a subscription. */
export interface WaitingEntry {
  /** What {@link Outbox.settle} takes. */
  number: number;
  /** Missing if it was erased, or is that of an entry before. */
  activity?: Activity | undefined;
}

/** Activities of before a subscription. */
export interface History {
  activities: Activity[];
  /** The next ones begin here; `null` if there are no more. */
  next: Cursor | null;
}

/** The result of a delivery. */
export interface Settlement {
  /** The numbers of what was delivered. */
  entries?: number[];
  /** The rest of the history. */
  history?: Cursor | null;
  /** If it failed; it is tried again, unless it is parked. */
  failure?: { error: string; retryIn: number; isParked: boolean };
}

/** A subscription as an operator sees it. */
export interface SubscriptionStatus {
  name: string;
  /** How many activities wait, without those of before the subscription that are still to be delivered. */
  waiting: number;
  /** Whether activities of before the subscription are being delivered. */
  isCatchingUp: boolean;
  /** Failures in a row. */
  failures: number;
  /**
   * The kind of the last failure, such as `TypeError` or `503`, or `TIMEOUT` as long as the handler takes longer than it should;
   * `null` if the last delivery succeeded.
   */
  error: string | null;
  /** When the next try is; `null` if the last delivery succeeded, or none is made any more. */
  nextTryAt: Date | null;
  /** Since when nothing is delivered any more; `null` if it is not parked. */
  parkedAt: Date | null;
}

/**
 * The ids of activities that wait for subscriptions, written in the transaction of the activities, and deleted when they are
 * delivered. Whoever reads it sees what is committed, so an activity that is committed late is read late, but never missed.
 * The entries are numbered when they are written. If one activity was committed before another was written, its number is smaller, and it
 * is seen whenever the other is: so the order of the numbers among those that are seen is an order in which they may have been committed.
 * All methods throw an UnavailableError if the database does not answer.
 */
export interface Outbox {
  /** Stores a subscription, unless it is there already. */
  register(name: string, fromBeginning: boolean): Promise<void>;

  /**
   * Takes or renews the right to deliver.
   * @param lease milliseconds
   * @returns `undefined` if another instance has it
   */
  take(name: string, holder: string, lease: number): Promise<DeliveryState | undefined>;

  /**
   * The same without the state.
   * @param error what is wrong with the delivery that is under way
   * @returns whether nobody else has it
   */
  renew(name: string, holder: string, lease: number, error?: string): Promise<boolean>;

  release(name: string, holder: string): Promise<void>;

  /** The oldest that wait. */
  findWaiting(name: string, limit: number): Promise<WaitingEntry[]>;

  /** Activities that were stored before the subscription was, the oldest first. */
  findHistory(name: string, after: Cursor, limit: number): Promise<History>;

  /**
   * Notes the result of a delivery, if the holder still has the right to deliver, which it renews.
   * @returns whether it has
   */
  settle(name: string, holder: string, lease: number, result: Settlement): Promise<boolean>;

  /** Begins again what is parked or waits for a try. @returns whether there is such a subscription */
  resume(name: string): Promise<boolean>;

  /** Deletes all that wait, in steps. */
  discard(name: string): Promise<void>;

  /** All subscriptions, by name. */
  status(): Promise<SubscriptionStatus[]>;

  /** Deletes subscriptions that no instance has had for so many milliseconds, with what waits for them. */
  forgetAbandoned(after: number): Promise<void>;
}
