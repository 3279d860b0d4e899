import { type EntityManager, In, type SelectQueryBuilder } from 'typeorm';
import { Activity } from '../../../../../activity/activity.js';
import { chunks } from '../../../../../database/chunks.js';
import type { TopMeasure } from '../../../../../statistics/statistics.types.js';
import { DAY } from '../../../../../time/units.js';
import { countsBy } from '../../queries/measures/activity-counts.js';
import { decodeNameCounts } from '../name-counts.js';
import { Visit } from '../tables/visit.entity.js';

type NameCount = [name: string, visits: number];

/**
 * Counts activities, or visits if they are the measure, per name: `SELECT nameCounts, COUNT(*) FROM djaffar_visit WHERE … GROUP BY nameCounts`
 * @returns also the oversized visits, whose names are not in their rows
 */
export async function visitedNames(
  visits: SelectQueryBuilder<Visit>,
  measure: TopMeasure,
): Promise<{ counts: Map<string, number>; oversized: string[] }> {
  const counts = new Map<string, number>();
  const add = (name: string, count: number): void => {
    if (count > 0) counts.set(name, (counts.get(name) ?? 0) + count);
  };
  const oversized: string[] = [];
  const oversizedId = 'CASE WHEN visit.pathSequence IS NULL THEN visit.id END';
  const rows = await visits
    .select('visit.nameCounts', 'nameCounts')
    .addSelect('COUNT(*)', 'visits')
    .addSelect(
      measure === 'visits' ? 'SUM(CASE WHEN visit.views > 0 THEN 1 ELSE 0 END)' : 'SUM(visit.views)',
      'views',
    )
    .addSelect(oversizedId, 'id')
    .groupBy('visit.nameCounts')
    .addGroupBy(oversizedId)
    .getRawMany<{ nameCounts: string | null; id: string | null; visits: string; views: string }>();
  for (const { nameCounts, id, visits: visited, views } of rows) {
    if (id !== null) {
      oversized.push(id);
      continue;
    }
    add('view', Number(views));
    for (const [name, count] of nameCounts === null ? [] : decodeNameCounts(nameCounts))
      add(name, (measure === 'visits' ? 1 : count) * Number(visited));
  }
  return { counts, oversized };
}

/** Counts visits per name. */
export async function countVisitsByName(
  manager: EntityManager,
  visits: SelectQueryBuilder<Visit>,
): Promise<Map<string, number>> {
  const { counts, oversized } = await visitedNames(visits, 'visits');
  const queries = chunks(oversized).map((ids) =>
    manager.createQueryBuilder(Activity, 'activity').where({ visitId: In(ids) }),
  );
  for (const [name, count] of await countsBy('name', queries, 'visits'))
    counts.set(name, (counts.get(name) ?? 0) + count);
  return counts;
}

/** Visits per name of the visits that started on a day, as JSON; {@link countsOfNames} decodes it. */
export async function visitedNamesOn(day: number, manager: EntityManager): Promise<string> {
  const visits = manager
    .createQueryBuilder(Visit, 'visit')
    .where('NOT visit.bot AND NOT visit.mixed')
    .andWhere('visit.startedAt >= :day AND visit.startedAt < :next', { day, next: day + DAY });
  const counts = await countVisitsByName(manager, visits);
  return JSON.stringify([...counts].sort(([a], [b]) => (a < b ? -1 : 1)));
}

export function countsOfNames(counts: string): NameCount[] {
  return JSON.parse(counts);
}
