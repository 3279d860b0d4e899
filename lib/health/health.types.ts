import type { Refusal } from '../diagnostics/outcome-counter.js';
import type { SubscriptionStatus } from '../store/outbox.js';
import type { Explanation } from './causes.js';

/** Why activities arrive or not, of all instances of the app. */
export interface Health {
  /** The time, by the clock of the database if it has one; ISO 8601. */
  now: string;
  /** The counts per hour, the oldest first, without gaps. */
  hours: HealthHour[];
  /** The causes of refused, dropped and marked activities in these hours, the most frequent first. */
  causes: HealthCause[];
  /** The last requests that this instance refused, the latest first, at most 50. */
  refusals: Refusal[];
  /** The conditions for activities to arrive, in order, checked over the last day. */
  checks: HealthCheck[];
  /** When an activity was stored for the last time, as far as this instance knows; ISO 8601. */
  lastCommit: string | null;
  /** The number of activities that wait in this instance to be written, and its limit. */
  waiting: number;
  maxWaiting: number;
  /** The age of the oldest change that is not in the statistics yet, in seconds. */
  rollupLag: number;
  /** The option `retention`, and when old activities were erased for the last time (ISO 8601); `null` without the option. */
  retention: HealthRetention | null;
  /** The options `subscriptions` and `webhooks`, by name. */
  subscriptions: HealthSubscription[];
  versions: HealthVersions;
}

export interface HealthHour {
  /** ISO 8601. */
  start: string;
  /** Activities. */
  stored: number;
  dropped: number;
  /** Requests. */
  refused: number;
}

export interface HealthCause extends Explanation {
  /** Such as `503`, or `400.date`. */
  cause: string;
  count: number;
  /** The hour in which it was last counted, ISO 8601. */
  last: string;
}

/** `waiting`: it has not happened yet. */
export type CheckState = 'ok' | 'waiting' | 'wrong';

export interface HealthCheck {
  name: string;
  state: CheckState;
  /** The result of the check. */
  text: string;
  /** The remedy, if the state is `wrong`. */
  cure: string | null;
}

export interface HealthRetention {
  policy: string;
  doneAt: string | null;
}

/** Dates are in ISO 8601. */
export interface HealthSubscription extends Omit<SubscriptionStatus, 'nextTryAt' | 'parkedAt'> {
  nextTryAt: string | null;
  parkedAt: string | null;
}

export interface HealthVersions {
  djaffar: string;
  node: string;
  /** Such as `postgres` or `clickhouse`. */
  database: string;
}
