import { type EntityManager, In, type SelectQueryBuilder } from 'typeorm';
import { Activity } from '../../../../../activity/activity.js';
import { countsBy } from '../../queries/measures/activity-counts.js';
import { chunks } from '../../../../../database/chunks.js';
import type { TopMeasure } from '../../../../../statistics/statistics.types.js';
import { DAY } from '../../../../../time/units.js';
import { findPathIds } from '../path-dictionary.js';
import { Visit } from '../tables/visit.entity.js';
import { decodePathIds, encodePathId } from '../path-sequence.js';

/**
 * Counts views, or visits if they are the measure, per path id.
 * @returns also the oversized visits, which have no path sequence
 */
export async function visitedPaths(
  visits: SelectQueryBuilder<Visit>,
  measure: TopMeasure,
): Promise<{ counts: Map<number, number>; oversized: string[] }> {
  const counts = new Map<number, number>();
  const add = (number: number, count: number): void =>
    void counts.set(number, (counts.get(number) ?? 0) + count);
  const oversized: string[] = [];
  const rows = await visits
    .select('visit.pathSequence', 'pathSequence')
    .addSelect('visit.otherPaths', 'otherPaths')
    .addSelect('CASE WHEN visit.pathSequence IS NULL THEN visit.id END', 'id')
    .getRawMany<Record<'pathSequence' | 'otherPaths', string | null> & { id: string }>();
  for (const { pathSequence, otherPaths, id } of rows) {
    if (pathSequence === null) oversized.push(id);
    else if (measure !== 'visits') for (const number of decodePathIds(pathSequence)) add(number, 1);
    else for (const number of new Set(decodePathIds(pathSequence + (otherPaths ?? '')))) add(number, 1);
  }
  return { counts, oversized };
}

/** Counts visits per path id. Bots must be excluded, so that every path has an id. */
export async function countVisitsByPath(
  manager: EntityManager,
  visits: SelectQueryBuilder<Visit>,
): Promise<Map<number, number>> {
  const { counts, oversized } = await visitedPaths(visits, 'visits');
  const queries = chunks(oversized).map((ids) =>
    manager.createQueryBuilder(Activity, 'activity').where({ visitId: In(ids) }),
  );
  const found = await countsBy('page', queries, 'visits');
  for (const [path, number] of await findPathIds(manager, [...found.keys()]))
    counts.set(number, (counts.get(number) ?? 0) + (found.get(path) ?? 0));
  return counts;
}

/** Visits per path of the visits that started on a day; {@link countsOfPaths} decodes it. */
export async function visitedPathsOn(day: number, manager: EntityManager): Promise<string> {
  const visits = manager
    .createQueryBuilder(Visit, 'visit')
    .where('NOT visit.bot AND NOT visit.mixed')
    .andWhere('visit.startedAt >= :day AND visit.startedAt < :next', { day, next: day + DAY });
  const counts = await countVisitsByPath(manager, visits);
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([number, count]) => encodePathId(number) + encodePathId(count))
    .join('');
}

/** Id and count of each path. */
export function* countsOfPaths(counts: string): Generator<[number: number, count: number], void, void> {
  const numbers = decodePathIds(counts);
  for (let at = 0; at < numbers.length; at += 2) yield [numbers[at] ?? 0, numbers[at + 1] ?? 0];
}
