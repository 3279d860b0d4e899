import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { groupingOf, intervalSql } from '../../../../../statistics/time/calendar.js';
import { MEASURES_OF_ACTIVITIES } from './activity-counts.js';
import type { Figures } from './measures.types.js';
import type { Selection } from '../../filter/statistics-query.js';
import { floor, QUARTER, type Stretch, without } from '../../../../../statistics/time/time-range.js';
import { PathTotal, Total } from '../../rollup/tables/rollups.entity.js';
import { isBeginning, settled, wholeOf } from '../path-rollups.js';

type ActivityFigures = Record<'activities' | 'views', Figures>;

/**
 * How many activities there were, and views among them.
 * @param others what alone is left to be counted, where visits tell of the rest
 */
export async function activityFigures(
  selection: Selection,
  range: Stretch,
  starts: number[],
  others?: SelectQueryBuilder<ObjectLiteral>[],
): Promise<ActivityFigures> {
  if (others)
    return sumUp(
      others.map((query) => counted(query, starts)),
      starts,
    );
  if (selection.isOfPaths && !selection.isPlain)
    return settled(selection, (daysUntil) => sumUp(pathQueries(selection, range, starts, daysUntil), starts));
  return sumUp(activityQueries(selection, range, starts), starts);
}

async function sumUp(
  queries: SelectQueryBuilder<ObjectLiteral>[],
  starts: number[],
): Promise<ActivityFigures> {
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

/** Each tells for intervals how many activities there were, and views among them. */
function activityQueries(
  selection: Selection,
  range: Stretch,
  starts: number[],
): SelectQueryBuilder<ObjectLiteral>[] {
  const whole = selection.isPlain ? wholeQuarters(range, starts) : undefined;
  if (whole)
    return [
      totalsOf(selection, whole, starts),
      ...without(range, whole).map((stretch) => counted(selection.activities(stretch), starts)),
    ];
  return [counted(selection.activities(range), starts)];
}

/** The same for a selection of paths, from their sums. */
function pathQueries(
  selection: Selection,
  range: Stretch,
  starts: number[],
  daysUntil: number,
): SelectQueryBuilder<ObjectLiteral>[] {
  const whole = wholeOf(range, daysUntil);
  const within = starts.filter((start) => whole && start > whole.since && start < whole.until);
  if (!whole || !within.every((start) => isBeginning(start, daysUntil)))
    return [counted(selection.activities(range), starts)];
  const query = selection.manager
    .createQueryBuilder<ObjectLiteral>(PathTotal, 'sum')
    .where(`sum.startedAt >= ${whole.since} AND sum.startedAt < ${whole.until}`);
  selection.applyToPaths(query, 'sum');
  const count = selection.name === 'view' ? 'SUM(sum.views)' : 'SUM(sum.activities)';
  return [
    told(query, 'sum.startedAt', starts, { count, views: 'SUM(sum.views)' }),
    ...without(range, whole).map((stretch) => counted(selection.activities(stretch), starts)),
  ];
}

function counted(
  activities: SelectQueryBuilder<ObjectLiteral>,
  starts: number[],
): SelectQueryBuilder<ObjectLiteral> {
  return told(activities, 'activity.date', starts, {
    count: MEASURES_OF_ACTIVITIES.activities,
    views: MEASURES_OF_ACTIVITIES.views,
  });
}

function told(
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
    .groupBy(groupingOf(interval));
}

function totalsOf(
  { manager, name }: Selection,
  { since, until }: Stretch,
  starts: number[],
): SelectQueryBuilder<ObjectLiteral> {
  const query = manager
    .createQueryBuilder(Total, 'total')
    .where('total.startedAt >= :since AND total.startedAt < :until', { since, until });
  if (name !== undefined) query.andWhere('total.name = :name', { name });
  return told(query, 'total.startedAt', starts, {
    count: 'SUM(total.activities)',
    views: `SUM(CASE WHEN total.name = 'view' THEN total.activities ELSE 0 END)`,
  });
}

/** What of the range there are sums of, where no interval begins within one. */
function wholeQuarters({ since, until }: Stretch, starts: number[]): Stretch | undefined {
  if (starts.slice(1).some((start) => start % QUARTER !== 0)) return undefined;
  const whole = { since: floor(since + QUARTER - 1, QUARTER), until: floor(until, QUARTER) };
  return whole.since < whole.until ? whole : undefined;
}
