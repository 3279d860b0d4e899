import { type EntityManager, In, type SelectQueryBuilder } from 'typeorm';
import { Activity } from '../../../../../activity/activity.entity.js';
import { countsBy } from '../../queries/measures/activity-counts.js';
import { chunks } from '../../../../../database/chunks.js';
import { DAY } from '../../../../../statistics/time/time-range.js';
import { numbersOf } from '../path-dictionary.js';
import { Visit } from '../tables/visit.entity.js';
import { numbersIn, stepOf } from '../path-sequence.js';

/**
 * How often paths were viewed, or how many visits were at them, by their numbers.
 * @returns beside it the visits of too many activities, which their rows do not tell of
 */
export async function visitedPaths(
  visits: SelectQueryBuilder<Visit>,
  measure: 'views' | 'visits',
): Promise<{ counts: Map<number, number>; long: string[] }> {
  const counts = new Map<number, number>();
  const add = (number: number, count: number): void =>
    void counts.set(number, (counts.get(number) ?? 0) + count);
  const long: string[] = [];
  const rows = await visits
    .select('visit.way', 'way')
    .addSelect('visit.beside', 'beside')
    .addSelect('CASE WHEN visit.way IS NULL THEN visit.id END', 'id')
    .getRawMany<Record<'way' | 'beside', string | null> & { id: string }>();
  for (const { way, beside, id } of rows) {
    if (way === null) long.push(id);
    else if (measure === 'views') for (const number of numbersIn(way)) add(number, 1);
    else for (const number of new Set(numbersIn(way + (beside ?? '')))) add(number, 1);
  }
  return { counts, long };
}

/** How many of visits, which are none of bots, were at which path: all that they were at have numbers. */
export async function countVisits(
  manager: EntityManager,
  visits: SelectQueryBuilder<Visit>,
): Promise<Map<number, number>> {
  const { counts, long } = await visitedPaths(visits, 'visits');
  const ofLong = chunks(long).map((ids) =>
    manager.createQueryBuilder(Activity, 'activity').where({ visitId: In(ids) }),
  );
  const found = await countsBy('page', ofLong, 'visits');
  for (const [path, number] of await numbersOf(manager, [...found.keys()]))
    counts.set(number, (counts.get(number) ?? 0) + (found.get(path) ?? 0));
  return counts;
}

/** How many of the visits that began on a day were at which path; {@link countsOfPaths} reads it. */
export async function visitedPathsOn(day: number, manager: EntityManager): Promise<string> {
  const visits = manager
    .createQueryBuilder(Visit, 'visit')
    .where('NOT visit.bot AND NOT visit.mixed')
    .andWhere('visit.startedAt >= :day AND visit.startedAt < :next', { day, next: day + DAY });
  const counts = await countVisits(manager, visits);
  return [...counts]
    .sort(([a], [b]) => a - b)
    .map(([number, count]) => stepOf(number) + stepOf(count))
    .join('');
}

/** Number and count of each path. */
export function* countsOfPaths(counts: string): Generator<[number: number, count: number], void, void> {
  const numbers = numbersIn(counts);
  for (let at = 0; at < numbers.length; at += 2) yield [numbers[at] ?? 0, numbers[at + 1] ?? 0];
}
