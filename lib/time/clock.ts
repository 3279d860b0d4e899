import { performance } from 'node:perf_hooks';

/** Milliseconds since some moment in the past. Two readings can be compared; one alone is no date. */
export interface Clock {
  now(): number;
}

/**
 * For every wait, time-out and rate of this process: it never jumps, whatever happens to the system's date. `Date.now()`
 * is only for dates that are stored or compared with stored ones. Tests give a clock of their own, or replace `now`.
 */
export const monotonicClock: Clock = { now: () => performance.now() };
