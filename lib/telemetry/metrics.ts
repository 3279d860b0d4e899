import { monotonicClock } from '../time/clock.js';
import type { Store } from '../store/store.js';
import { withTimeLimit } from '../time/time-limit.js';

/** The names and descriptions of all metrics: the same in every library. */
export const METRICS = {
  activities: {
    name: 'djaffar_activities_total',
    help: 'Activities that were stored or dropped, and requests that were refused, by result',
  },
  waiting: { name: 'djaffar_waiting', help: 'Activities that wait to be written' },
  commit: { name: 'djaffar_commit_seconds', help: 'Seconds for a transaction that stores activities' },
  rollupLag: {
    name: 'djaffar_rollup_lag_seconds',
    help: 'Seconds since the oldest change that statistics do not have yet',
  },
  question: {
    name: 'djaffar_question_seconds',
    help: 'Seconds for a question of the statistics, by question',
  },
} as const;

/** Seconds. */
export const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** The metrics of one module, which are read when they are scraped. */
export interface MetricsSource {
  /** The counts since the start of the process, by result. */
  totals(): Iterable<[result: string, count: number]>;
  waiting(): number;
  /** Seconds; `undefined` if the database does not answer in time. */
  rollupLag(): Promise<number | undefined>;
}

/** Milliseconds for which the lag is cached, and the time limit of its query. */
const CACHED = 5000;
const TIMEOUT = 2000;

/** Returns a function that asks the database for the lag at most every five seconds, and never rejects. */
export function createLagReader(store: Pick<Store, 'findLag'>): () => Promise<number | undefined> {
  let askedAt = Number.NEGATIVE_INFINITY;
  let lag: Promise<number | undefined> = Promise.resolve(undefined);
  return () => {
    if (monotonicClock.now() - askedAt >= CACHED) {
      askedAt = monotonicClock.now();
      const found = store.findLag().then(({ lag: milliseconds }) => milliseconds / 1000);
      lag = withTimeLimit(TIMEOUT, found, () => undefined, true).catch(() => undefined);
    }
    return lag;
  };
}
