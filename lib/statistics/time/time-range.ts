import { MINUTE } from '../../time/units.js';

/** From `since` (inclusive) to `until` (exclusive), in milliseconds since 1970. */
export interface TimeRange {
  since: number;
  until: number;
}

export const QUARTER = 15 * MINUTE;

/** Rounds an instant down to a multiple of `span`. */
export function floor(instant: number, span: number): number {
  return instant - (instant % span);
}

/** Returns the parts of a range before and after `middle`. */
export function subtract({ since, until }: TimeRange, middle: TimeRange): TimeRange[] {
  const ends = [
    { since, until: middle.since },
    { since: middle.until, until },
  ];
  return ends.filter((end) => end.since < end.until);
}
