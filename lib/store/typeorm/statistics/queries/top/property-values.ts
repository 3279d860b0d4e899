import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { commonestRows } from './rank.js';
import { countsOfDays } from './daily-counts.js';
import type { Selection } from '../../filter/statistics-query.js';
import type { ValueCount } from '../../rollup/daily-counts/property-values.js';
import type { TopRow } from '../../../../../statistics/statistics.types.js';
import type { Stretch } from '../../../../../statistics/time/time-range.js';

/**
 * The commonest values of a property from what is kept of days, and from the activities of the rest of the range.
 * @param counted what tells the values of a stretch from its activities
 * @returns `undefined` where the activities are to be asked for all of the range
 */
export async function valuesOfProperty(
  { manager, name }: Selection,
  range: Stretch,
  { kept, measure, limit }: { kept: string; measure: 'activities' | 'views'; limit: number },
  counted: (stretch: Stretch) => SelectQueryBuilder<ObjectLiteral>,
): Promise<TopRow[] | undefined> {
  const wanted = measure === 'views' ? 'view' : name;
  if (name !== undefined && name !== wanted) return [];
  const read = (json: string): [value: string, count: number][] => {
    const counts: ValueCount[] = JSON.parse(json);
    return counts
      .filter(([of]) => wanted === undefined || of === wanted)
      .map(([, value, count]) => [value, count]);
  };
  const counts = await countsOfDays(manager, { what: kept, range }, read, counted);
  return counts && commonestRows(counts, limit);
}
