import type { EntityManager, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { besides, keptDays } from './cached-days.js';
import type { Stretch } from '../../../../../statistics/time/time-range.js';

/** Of a stretch with more values, the database had better put those of the range together. */
const MAX_VALUES = 10_000;

/** A value that somebody may ask for the commonest of. */
type Value = string | number | null;

/**
 * How often there was which value, from what is kept of days, and counted for the rest of the range.
 * @param read takes apart what is kept of a day
 * @param counted tells `value` and `count` in a stretch
 * @returns `undefined` where nothing is kept, or there is too much besides, and all of the range is to be counted
 */
export async function countsOfDays<T extends Value>(
  manager: EntityManager,
  { what, range }: { what: string; range: Stretch },
  read: (counts: string) => [value: T, count: number][],
  counted: (stretch: Stretch) => SelectQueryBuilder<ObjectLiteral>,
): Promise<Map<T, number> | undefined> {
  const days = await keptDays(manager, what, range);
  if (days.length === 0) return undefined;
  const counts = new Map<T, number>();
  const add = (value: T, count: number): void => void counts.set(value, (counts.get(value) ?? 0) + count);
  for (const { counts: ofDay } of days) for (const [value, count] of read(ofDay)) add(value, count);
  for (const stretch of besides(range, days)) {
    const rows = await counted(stretch)
      .limit(MAX_VALUES + 1)
      .getRawMany<{ value: T; count: string | number }>();
    if (rows.length > MAX_VALUES) return undefined;
    for (const { value, count } of rows) add(value, Number(count));
  }
  return counts;
}
