import { monotonicClock } from '../time/clock.js';
import type { Store } from '../store/store.js';

/** The metrics of one module, which are read when they are scraped. */
export interface Source {
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
      lag = inTime(store.findLag().then((found) => found.lag / 1000));
    }
    return lag;
  };
}

async function inTime(asked: Promise<number>): Promise<number | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), TIMEOUT).unref();
  });
  try {
    return await Promise.race([asked, late]);
  } catch {
    return undefined;
  } finally {
    clearTimeout(timer);
  }
}
