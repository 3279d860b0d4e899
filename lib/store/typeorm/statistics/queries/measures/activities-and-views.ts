import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { groupBySql, intervalSql } from '../../../../../statistics/time/calendar.js';
import { ACTIVITY_COUNTS } from './activity-counts.js';
import type { MeasureValues } from '../../../../../statistics/statistics.store.js';
import { planMeasure } from '../../query-plan.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import { floor, QUARTER, type TimeRange, subtract } from '../../../../../statistics/time/time-range.js';
import { PathRollup, NameRollup } from '../../rollup/tables/rollups.entity.js';
import { isBucketStart, retryOnCompaction, alignedRange } from '../path-rollups.js';

type ActivityAndViewCounts = Record<'activities' | 'views', MeasureValues>;

/**
 * Counts activities and views.
 * @param remainder the only activities to count, if the rest is counted from visit rows
 */
export async function countActivitiesAndViews(
  selection: StatisticsQuery,
  range: TimeRange,
  starts: number[],
  remainder?: SelectQueryBuilder<ObjectLiteral>[],
): Promise<ActivityAndViewCounts> {
  if (remainder)
    return sumUp(
      remainder.map((query) => countPerInterval(query, starts)),
      starts,
    );
  if (selection.kind === 'path')
    return retryOnCompaction(selection, (compactedUntil) =>
      sumUp(pathQueries(selection, range, starts, compactedUntil), starts),
    );
  return sumUp(activityQueries(selection, range, starts), starts);
}

async function sumUp(
  queries: SelectQueryBuilder<ObjectLiteral>[],
  starts: number[],
): Promise<ActivityAndViewCounts> {
  const activities = starts.map(() => 0);
  const views = starts.map(() => 0);
  for (const query of queries) {
    for (const row of await query.getRawMany<Record<'n' | 'count' | 'views', string | number>>()) {
      const n = Number(row.n);
      activities[n] = (activities[n] ?? 0) + Number(row.count);
      views[n] = (views[n] ?? 0) + Number(row.views);
    }
  }
  return { activities, views };
}

/** Queries that each select activities and views per interval. */
function activityQueries(
  selection: StatisticsQuery,
  range: TimeRange,
  starts: number[],
): SelectQueryBuilder<ObjectLiteral>[] {
  const whole =
    planMeasure('activities', selection.kind) === 'rollup' ? wholeQuarters(range, starts) : undefined;
  if (whole)
    return [
      queryNameRollup(selection, whole, starts),
      ...subtract(range, whole).map((timeRange) => countPerInterval(selection.activities(timeRange), starts)),
    ];
  return [countPerInterval(selection.activities(range), starts)];
}

/** Counts the views of some paths from the path rollup. */
function pathQueries(
  selection: StatisticsQuery,
  range: TimeRange,
  starts: number[],
  compactedUntil: number,
): SelectQueryBuilder<ObjectLiteral>[] {
  const whole = alignedRange(range, compactedUntil);
  const within = starts.filter((start) => whole && start > whole.since && start < whole.until);
  if (!whole || !within.every((start) => isBucketStart(start, compactedUntil)))
    return [countPerInterval(selection.activities(range), starts)];
  const query = selection.manager
    .createQueryBuilder<ObjectLiteral>(PathRollup, 'sum')
    .where(`sum.startedAt >= ${whole.since} AND sum.startedAt < ${whole.until}`);
  selection.applyToPaths(query, 'sum');
  const count = selection.name === 'view' ? 'SUM(sum.views)' : 'SUM(sum.activities)';
  return [
    selectPerInterval(query, 'sum.startedAt', starts, { count, views: 'SUM(sum.views)' }),
    ...subtract(range, whole).map((timeRange) => countPerInterval(selection.activities(timeRange), starts)),
  ];
}

function countPerInterval(
  activities: SelectQueryBuilder<ObjectLiteral>,
  starts: number[],
): SelectQueryBuilder<ObjectLiteral> {
  return selectPerInterval(activities, 'activity.date', starts, {
    count: ACTIVITY_COUNTS.activities,
    views: ACTIVITY_COUNTS.views,
  });
}

function selectPerInterval(
  query: SelectQueryBuilder<ObjectLiteral>,
  column: string,
  starts: number[],
  { count, views }: Record<'count' | 'views', string>,
): SelectQueryBuilder<ObjectLiteral> {
  const interval = intervalSql(column, starts);
  return query
    .select(interval, 'n')
    .addSelect(count, 'count')
    .addSelect(views, 'views')
    .groupBy(groupBySql(interval));
}

function queryNameRollup(
  { manager, name }: StatisticsQuery,
  { since, until }: TimeRange,
  starts: number[],
): SelectQueryBuilder<ObjectLiteral> {
  const query = manager
    .createQueryBuilder(NameRollup, 'total')
    .where('total.startedAt >= :since AND total.startedAt < :until', { since, until });
  if (name !== undefined) query.andWhere('total.name = :name', { name });
  return selectPerInterval(query, 'total.startedAt', starts, {
    count: 'SUM(total.activities)',
    views: `SUM(CASE WHEN total.name = 'view' THEN total.activities ELSE 0 END)`,
  });
}

/** The part of the range that consists of whole buckets; `undefined` if an interval starts inside of one. */
function wholeQuarters({ since, until }: TimeRange, starts: number[]): TimeRange | undefined {
  if (starts.slice(1).some((start) => start % QUARTER !== 0)) return undefined;
  const whole = { since: floor(since + QUARTER - 1, QUARTER), until: floor(until, QUARTER) };
  return whole.since < whole.until ? whole : undefined;
}
