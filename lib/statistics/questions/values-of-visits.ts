import type { EntityManager, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { commonestPaths, commonestRows } from './commonest.js';
import { countsOfDays } from './counts-of-days.js';
import type { TopRow } from '../statistics.types.js';
import type { Stretch } from '../stretch.js';

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
