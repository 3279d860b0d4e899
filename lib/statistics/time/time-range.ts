import { MINUTE } from '../../time/units.js';

/** From `since` (inclusive) to `until` (exclusive), in milliseconds since 1970. */
export interface TimeRange {
  since: number;
  until: number;
}

export const QUARTER = 15 * MINUTE;

/** The beginning of the span that an instant lies in. */
export function floor(instant: number, span: number): number {
  return instant - (instant % span);
}

/** The remainders of a range at both ends. */
export function subtract({ since, until }: TimeRange, middle: TimeRange): TimeRange[] {
  const ends = [
    { since, until: middle.since },
    { since: middle.until, until },
  ];
  return ends.filter((end) => end.since < end.until);
}
