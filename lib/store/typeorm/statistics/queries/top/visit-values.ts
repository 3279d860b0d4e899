import type { EntityManager, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { commonestPaths, commonestRows } from './rank.js';
import { countsOfDays } from './daily-counts.js';
import type { TopRow } from '../../../../../statistics/statistics.types.js';
import type { Stretch } from '../../../../../statistics/time/time-range.js';

/**
 * What most visits had, from what is kept of days, and from the visits of the rest of the range.
 * @param counted what tells the values of a stretch from its visits
 * @returns `undefined` where the visits are to be asked for all of the range
 */
export async function valuesOfVisits(
  manager: EntityManager,
  range: Stretch,
  { kept, isPath, withNone, limit }: { kept: string; isPath: boolean; withNone: boolean; limit: number },
  counted: (stretch: Stretch) => SelectQueryBuilder<ObjectLiteral>,
): Promise<TopRow[] | undefined> {
  const days = { what: kept, range };
  if (isPath) {
    const ofPaths = await countsOfDays<number>(manager, days, (json) => JSON.parse(json), counted);
    return ofPaths && commonestPaths(manager, ofPaths, limit);
  }
  const counts = await countsOfDays<string | null>(manager, days, (json) => JSON.parse(json), counted);
  if (!withNone) counts?.delete(null);
  return counts && commonestRows(counts, limit);
}
