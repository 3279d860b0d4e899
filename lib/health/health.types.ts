import type { Refusal } from '../diagnostics/outcomes.js';
import type { SubscriptionStatus } from '../store/outbox.js';
import type { Explanation } from './causes.js';

/** Why activities arrive or not, of all instances of the app. */
export interface Health {
  /** The time, by the clock of the database if it has one; ISO 8601. */
  now: string;
  /** What was counted by hour, the oldest first, without gaps. */
  hours: HealthHour[];
  /** What was refused, dropped or marked in these hours, the most frequent first. */
  causes: HealthCause[];
  /** The last requests that this instance refused, the latest first, at most 50. */
  refusals: Refusal[];
  /** What must be right before activities arrive, in this order; of the last day. */
  checks: HealthCheck[];
  /** When an activity was stored for the last time, as far as this instance knows; ISO 8601. */
  lastCommit: string | null;
  /** Activities that wait in this instance to be written, and how many may. */
  waiting: number;
  maxWaiting: number;
  /** Seconds since the oldest change that statistics do not have yet. */
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
  /** What is so, or what is missing. */
  text: string;
  /** What to do, if it is wrong. */
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
