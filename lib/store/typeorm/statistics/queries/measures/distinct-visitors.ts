import { ENGAGEMENT } from '../../../../../activity/engagement.js';
import { intervalSql } from '../../../../../statistics/time/calendar.js';
import type { MeasureValues } from '../../../../../statistics/statistics.store.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import type { TimeRange } from '../../../../../statistics/time/time-range.js';

/** True if activities without a visit have users or sessions to count. Those of `engagement` do not count. */
export async function hasActivitiesOutsideVisits(
  key: 'userId' | 'sessionId',
  selection: StatisticsQuery,
  range: TimeRange,
): Promise<boolean> {
  const one = await selection
    .activities(range)
    .select('activity.id')
    .andWhere('activity.visitId IS NULL')
    .andWhere('activity.name <> :engagement', { engagement: ENGAGEMENT })
    .andWhere(`activity.${key} IS NOT NULL`)
    .limit(1)
    .getRawOne<object>();
  return one !== undefined;
}

/** Counts distinct users or sessions of visits, and of activities without a visit. */
export async function countDistinct(
  key: 'userId' | 'sessionId',
  selection: StatisticsQuery,
  range: TimeRange,
  starts: number[],
): Promise<MeasureValues> {
  const visitRows = selection
    .visits(range)
    .select(intervalSql('visit.startedAt', starts), 'n')
    .addSelect(`visit.${key}`, 'id')
    .andWhere(`visit.${key} IS NOT NULL`);
  const otherActivities = selection
    .activities(range)
    .select(intervalSql('activity.date', starts), 'n')
    .addSelect(`activity.${key}`, 'id')
    .andWhere('activity.visitId IS NULL')
    .andWhere('activity.name <> :engagement', { engagement: ENGAGEMENT })
    .andWhere(`activity.${key} IS NOT NULL`);
  const rows = await selection.manager
    .createQueryBuilder()
    .select('n')
    .addSelect('COUNT(*)', 'count')
    .from(`(${visitRows.getQuery()} UNION ${otherActivities.getQuery()})`, 'seen')
    .setParameters({ ...visitRows.getParameters(), ...otherActivities.getParameters() })
    .groupBy('n')
    .getRawMany<Record<'n' | 'count', string | number>>();
  const counts = starts.map(() => 0);
  for (const { n, count } of rows) counts[Number(n)] = Number(count);
  return counts;
}
