import type { DirtyRange } from './tables/dirty-range.entity.js';
import { isDay } from './dirty-ranges.js';

const RANGES_AT_FIRST = 100;
const MIN_RANGES = 10;
export const MAX_RANGES = 2000;
/** The limit for whole days, as in a rebuild. */
const MAX_DAYS = 200;
/** Milliseconds that a step should take. */
const STEP = 500;
/** Milliseconds that its commit may take if the database runs in this process and blocks the event loop. */
const BLOCKING = 50;

/** Adapts the number of dirty ranges per step to its time limit. */
export class StepLimits {
  ranges = RANGES_AT_FIRST;
  days = 1;
  /** Milliseconds for which the last commit has blocked the event loop. */
  private blocked = 0;

  /**
   * Decreases the number of ranges after a slow step, and increases it after a fast one.
   * @param took milliseconds, without `StepResult.sharedTime`, which more ranges do not increase
   */
  adapt(ranges: DirtyRange[], took: number): void {
    const kind = ranges.some(isDay) ? 'days' : 'ranges';
    const max = kind === 'days' ? MAX_DAYS : MAX_RANGES;
    const { [kind]: limit } = this;
    if (took > STEP) this[kind] = Math.max(1, limit >> 1);
    else if (took < STEP / 2 && this.blocked < BLOCKING / 2 && ranges.length >= limit)
      this[kind] = Math.min(max, 2 * limit);
  }

  /** @param milliseconds for which a commit has blocked the event loop */
  adaptToBlocking(milliseconds: number): void {
    this.blocked = milliseconds;
    const ranges = Math.trunc((this.ranges * BLOCKING) / milliseconds);
    this.ranges = Math.min(this.ranges, Math.max(MIN_RANGES, ranges));
  }

  /** Limits steps to one range, to find the one that fails. */
  useOne(): void {
    this.ranges = 1;
    this.days = 1;
  }
}
