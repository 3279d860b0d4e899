import { type EntityManager, In, type SelectQueryBuilder } from 'typeorm';
import { Activity } from '../../../../../activity/activity.js';
import { chunks } from '../../../../../database/chunks.js';
import type { TopMeasure } from '../../../../../statistics/statistics.types.js';
import { DAY } from '../../../../../time/units.js';
import { countsBy } from '../../queries/measures/activity-counts.js';
import { Visit } from '../tables/visit.entity.js';

/** The paths, or the names, of the activities of visits, which the rows of visits have. */
export interface VisitedValues<Value> {
  /** The key in the daily cache of visits per value, of the visits that started on the day and are not mixed. */
  metric: string;
  /** What activities have instead. */
  column: 'page' | 'name';
  /**
   * Counts visits if they are the measure, or else activities, of paths only views.
   * @returns also the oversized visits, whose rows do not have the values
   */
  count(
    visits: SelectQueryBuilder<Visit>,
    measure: TopMeasure,
  ): Promise<{ counts: Map<Value, number>; oversized: string[] }>;
  /** Returns the values of what activities have. */
  find(manager: EntityManager, texts: string[]): Promise<Map<string, Value>>;
  /** Returns the same text for the same counts. */
  encode(counts: Map<Value, number>): string;
  decode(counts: string): Iterable<[value: Value, visits: number]>;
}

/** Counts visits per value. Bots must be excluded, so that every value is found. */
export async function countVisits<Value>(
  values: VisitedValues<Value>,
  manager: EntityManager,
  visits: SelectQueryBuilder<Visit>,
): Promise<Map<Value, number>> {
  const { counts, oversized } = await values.count(visits, 'visits');
  const queries = chunks(oversized).map((ids) =>
    manager.createQueryBuilder(Activity, 'activity').where({ visitId: In(ids) }),
  );
  const found = await countsBy(values.column, queries, 'visits');
  for (const [text, value] of await values.find(manager, [...found.keys()]))
    counts.set(value, (counts.get(value) ?? 0) + (found.get(text) ?? 0));
  return counts;
}

/** Visits per value of the visits that started on a day, without bots; {@link VisitedValues.decode} decodes it. */
export async function visitedValuesOn<Value>(
  values: VisitedValues<Value>,
  day: number,
  manager: EntityManager,
): Promise<string> {
  const visits = manager
    .createQueryBuilder(Visit, 'visit')
    .where('NOT visit.bot AND NOT visit.mixed')
    .andWhere('visit.startedAt >= :day AND visit.startedAt < :next', { day, next: day + DAY });
  return values.encode(await countVisits(values, manager, visits));
}
