import type { Activity, StoredActivity } from '../activity/activity.js';
import type { Cursor } from '../activity/pagination.js';

/** Selects the activities that a store adds to the outbox, in the transaction that writes them. */
export interface OutboxSubscription {
  name: string;
  matches: (activity: StoredActivity) => boolean;
}

/** The delivery state of a subscription, shared by all instances. */
export interface DeliveryState {
  /** Failures in a row, also those of instances that ended while they delivered. */
  failures: number;
  /** Milliseconds until the next try. */
  retryIn: number;
  /** Milliseconds since the subscription was parked; `undefined` if it is not parked. */
  parkedFor?: number | undefined;
  /** The kind of the last failure. */
  error: string | null;
  /** The last delivered activity from before the subscription; `null` if only new activities are delivered. */
  history: Cursor | null;
}

/** An activity that waits for a subscription. */
export interface WaitingEntry {
  /** The number to pass to {@link Outbox.settle}. */
  number: number;
  /** Missing if it was erased, or if an earlier entry has the same activity. */
  activity?: Activity | undefined;
}

/** Activities from before a subscription. */
export interface History {
  activities: Activity[];
  /** The cursor after which the next ones begin; `null` if there are no more. */
  next: Cursor | null;
}

/** The result of a delivery. */
export interface Settlement {
  /** The numbers of the delivered entries. */
  entries?: number[];
  /** The cursor after which the rest of the history begins; `null` if all of it is delivered. */
  history?: Cursor | null;
  /** Only if the delivery failed. It is tried again, unless the subscription is parked. */
  failure?: { error: string; retryIn: number; isParked: boolean };
}

/** A subscription as an operator sees it. */
export interface SubscriptionStatus {
  name: string;
  /** How many activities wait, without those from before the subscription. */
  waiting: number;
  /** True if activities from before the subscription are being delivered. */
  isCatchingUp: boolean;
  /** Failures in a row. */
  failures: number;
  /**
   * The kind of the last failure, such as `TypeError` or `503`, or `TIMEOUT` as long as the handler takes longer than it should;
   * `null` if the last delivery succeeded.
   */
  error: string | null;
  /** The time of the next try; `null` if the last delivery succeeded, or if it is parked. */
  nextTryAt: Date | null;
  /** When the subscription was parked; `null` if it is not parked. */
  parkedAt: Date | null;
}

/**
 * The ids of activities that wait for subscriptions. They are written in the transaction of the activities, and deleted after the delivery.
 * A reader sees only committed entries, so an activity that is committed late is read late, but never missed. Entries are numbered when
 * they are written. If one activity was committed before another was written, its number is smaller. So the visible entries, ordered by
 * number, are in a possible order of their commits.
 * All methods throw an UnavailableError if the database does not answer.
 */
export interface Outbox {
  /** Stores a subscription, unless it is there already. */
  register(name: string, fromBeginning: boolean): Promise<void>;

  /**
   * Takes or renews the lease, which is the right to deliver.
   * @param lease milliseconds
   * @returns `undefined` if another instance has it
   */
  take(name: string, holder: string, lease: number): Promise<DeliveryState | undefined>;

  /**
   * Renews the lease, without reading the state.
   * @param error the problem of the running delivery
   * @returns false if another instance has it
   */
  renew(name: string, holder: string, lease: number, error?: string): Promise<boolean>;

  release(name: string, holder: string): Promise<void>;

  /** Returns the oldest waiting entries. */
  findWaiting(name: string, limit: number): Promise<WaitingEntry[]>;

  /** Activities that were stored before the subscription was, the oldest first. */
  findHistory(name: string, after: Cursor, limit: number): Promise<History>;

  /**
   * Stores the result of a delivery and renews the lease, if the holder still has it.
   * @returns whether it has, and a history of the result has not been ended in the meantime
   */
  settle(name: string, holder: string, lease: number, result: Settlement): Promise<boolean>;

  /**
   * Resumes a subscription that is parked or waits for its next try.
   * @param endsHistory whether the rest of the activities from before the subscription is left out
   * @returns false if there is no such subscription
   */
  resume(name: string, endsHistory: boolean): Promise<boolean>;

  /** Deletes all waiting entries, in steps. Their activities stay stored. */
  discard(name: string): Promise<void>;

  /** All subscriptions, by name. */
  status(): Promise<SubscriptionStatus[]>;

  /** Deletes subscriptions that no instance has had for so many milliseconds, with their entries. */
  deleteAbandoned(after: number): Promise<void>;
}
