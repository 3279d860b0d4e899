import { type EntityManager, In, type SelectQueryBuilder } from 'typeorm';
import { Activity } from '../../activity/activity.entity.js';
import { dialectOf } from '../../activity/dialects/dialect.js';
import { chunks } from '../chunks.js';
import { DAY } from '../stretch.js';
import { Path } from './path.entity.js';
import { isSamePath } from './paths.js';
import { Visit } from './visit.entity.js';
import { numbersIn, stepOf } from './way.js';

/** How often paths were viewed, or how many visits were at them, by their numbers. */
export async function visitedPaths(
  manager: EntityManager,
  visits: SelectQueryBuilder<Visit>,
  measure: 'views' | 'visits',
): Promise<Map<number, number>> {
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
  for (const ids of chunks(long)) {
    const rowsOfLong = await manager
      .createQueryBuilder(Activity, 'activity')
      .select('known.number', 'number')
      .addSelect(
        measure === 'visits'
          ? 'COUNT(DISTINCT activity.visitId)'
          : `SUM(CASE WHEN activity.name = 'view' THEN 1 ELSE 0 END)`,
        'count',
      )
      .innerJoin(Path, 'known', isSamePath(dialectOf(manager.connection), 'known.path', 'activity.path'))
      .where({ visitId: In(ids) })
      .groupBy('known.number')
      .getRawMany<{ number: number; count: string | number }>();
    for (const { number, count } of rowsOfLong) add(number, Number(count));
  }
  return counts;
}

/** How many of the visits that began on a day were at which path; {@link countsOfPaths} reads it. */
export async function visitedPathsOn(day: number, manager: EntityManager): Promise<string> {
  const visits = manager
    .createQueryBuilder(Visit, 'visit')
    .where('NOT visit.bot AND NOT visit.mixed')
    .andWhere('visit.startedAt >= :day AND visit.startedAt < :next', { day, next: day + DAY });
  const counts = await visitedPaths(manager, visits, 'visits');
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
