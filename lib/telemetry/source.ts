import { monotonicClock } from '../time/clock.js';
import type { Store } from '../store/store.js';
import { withTimeLimit } from '../time/time-limit.js';

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
