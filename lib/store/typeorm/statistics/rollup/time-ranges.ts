import { Brackets } from 'typeorm';
import { floor, type Stretch } from '../../../../statistics/time/time-range.js';

/** More of them are asked for as one, which costs less than a condition for each. */
const MAX_CONDITIONS = 50;

/** The SQL of an instant that lies in any of them. */
export function within(column: string, stretches: Stretch[]): Brackets {
  const whole = {
    since: Math.min(...stretches.map(({ since }) => since)),
    until: Math.max(...stretches.map(({ until }) => until)),
  };
  const few = stretches.length <= MAX_CONDITIONS ? stretches : [whole];
  return new Brackets((either) => {
    for (const [i, { since, until }] of few.entries()) {
      either.orWhere(`${column} >= :since${i} AND ${column} < :until${i}`, {
        [`since${i}`]: since,
        [`until${i}`]: until,
      });
    }
  });
}

/** The buckets that the time ranges lie in, with adjacent ones merged. */
export function unitsOf(stretches: Stretch[], span: number): Stretch[] {
  const starts = new Set<number>();
  for (const { since, until } of stretches)
    for (let start = floor(since, span); start < until; start += span) starts.add(start);
  const units: Stretch[] = [];
  for (const since of [...starts].sort((a, b) => a - b)) {
    const last = units.at(-1);
    if (last?.until === since) last.until = since + span;
    else units.push({ since, until: since + span });
  }
  return units;
}

/** As few as hold the same. */
export function merge(stretches: Stretch[]): Stretch[] {
  const merged: Stretch[] = [];
  for (const { since, until } of stretches.toSorted((a, b) => a.since - b.since)) {
    const last = merged.at(-1);
    if (last && since <= last.until) last.until = Math.max(last.until, until);
    else merged.push({ since, until });
  }
  return merged;
}
