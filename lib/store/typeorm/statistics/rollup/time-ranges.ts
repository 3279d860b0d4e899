import { Brackets } from 'typeorm';
import { floor, type TimeRange } from '../../../../statistics/time/time-range.js';

/** If there are more ranges, one range that contains all is queried, because that is cheaper than a condition for each. */
const MAX_CONDITIONS = 50;

/** Adds the condition that an instant is in any of the ranges. */
export function inAnyRange(column: string, timeRanges: TimeRange[]): Brackets {
  const whole = {
    since: Math.min(...timeRanges.map(({ since }) => since)),
    until: Math.max(...timeRanges.map(({ until }) => until)),
  };
  const few = timeRanges.length <= MAX_CONDITIONS ? timeRanges : [whole];
  return new Brackets((either) => {
    for (const [i, { since, until }] of few.entries()) {
      either.orWhere(`${column} >= :since${i} AND ${column} < :until${i}`, {
        [`since${i}`]: since,
        [`until${i}`]: until,
      });
    }
  });
}

/** Returns the buckets that the time ranges touch, with adjacent ones merged. */
export function listBuckets(timeRanges: TimeRange[], span: number): TimeRange[] {
  const starts = new Set<number>();
  for (const { since, until } of timeRanges)
    for (let start = floor(since, span); start < until; start += span) starts.add(start);
  const units: TimeRange[] = [];
  for (const since of [...starts].sort((a, b) => a - b)) {
    const last = units.at(-1);
    if (last?.until === since) last.until = since + span;
    else units.push({ since, until: since + span });
  }
  return units;
}

/** Merges ranges that overlap or touch. */
export function mergeRanges(timeRanges: TimeRange[]): TimeRange[] {
  const merged: TimeRange[] = [];
  for (const { since, until } of timeRanges.toSorted((a, b) => a.since - b.since)) {
    const last = merged.at(-1);
    if (last && since <= last.until) last.until = Math.max(last.until, until);
    else merged.push({ since, until });
  }
  return merged;
}
