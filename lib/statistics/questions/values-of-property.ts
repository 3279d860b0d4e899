import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { byText } from './commonest.js';
import { besides, keptDays } from './kept-days.js';
import type { Selection } from './selection.js';
import { MAX_VALUES, type ValueCount } from '../rollup/property-values.js';
import type { TopRow } from '../statistics.types.js';
import type { Stretch } from '../stretch.js';

/**
 * The commonest values of a property from what is kept of days, and from the activities of the rest of the range.
 * @param counted what tells the values of a stretch from its activities
 * @returns `undefined` where there are too many values, and the activities are to be asked for all of the range
 */
export async function valuesOfProperty(
  { manager, name }: Selection,
  range: Stretch,
  { kept, measure, limit }: { kept: string; measure: 'activities' | 'views'; limit: number },
  counted: (stretch: Stretch) => SelectQueryBuilder<ObjectLiteral>,
): Promise<TopRow[] | undefined> {
  const wanted = measure === 'views' ? 'view' : name;
  if (name !== undefined && name !== wanted) return [];
  const days = await keptDays(manager, kept, range);
  if (days.length === 0) return undefined;
  const counts = new Map<string, number>();
  const add = (value: string, count: number): void =>
    void counts.set(value, (counts.get(value) ?? 0) + count);
  for (const { counts: ofDay } of days) {
    if (ofDay === null) return undefined;
    const found: ValueCount[] = JSON.parse(ofDay);
    for (const [of, value, count] of found) if (wanted === undefined || of === wanted) add(value, count);
  }
  for (const stretch of besides(range, days)) {
    const rows = await counted(stretch)
      .limit(MAX_VALUES + 1)
      .getRawMany<{ value: string; count: string | number }>();
    if (rows.length > MAX_VALUES) return undefined;
    for (const { value, count } of rows) add(value, Number(count));
  }
  return [...counts]
    .filter(([, count]) => count > 0)
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || byText(a.value, b.value))
    .slice(0, limit);
}
