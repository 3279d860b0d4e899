import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import type { Dimension, TopMeasure, TopRow } from '../../../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../../../statistics/time/time-range.js';
import { PAGE } from '../../../activity-query.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import { ACTIVITY_COUNTS } from '../measures/activity-counts.js';
import { groupsMatching } from './group-names.js';
import { countDistinct, rankParts, search } from './rank.js';
import type { ExactTopQuery } from '../../query-plan.js';

/** The column whose distinct values are counted. */
const DISTINCT_KEYS: Partial<Record<TopMeasure, string>> = {
  visits: 'activity.visitId',
  sessions: 'activity.sessionId',
  users: 'activity.userId',
};

/** Answers from raw activities. */
export function topFromActivities(
  query: ExactTopQuery,
  selection: StatisticsQuery,
  range: TimeRange,
): Promise<TopRow[]> {
  return rankParts(selection, { add: [countActivities(query, selection, range)] }, query.limit);
}

/** `SELECT [page, route, name, property or group] AS value, COUNT(…) AS count FROM djaffar_activity WHERE … GROUP BY value` */
export function countActivities(
  { dimension, measure, property, search: text }: ExactTopQuery,
  selection: StatisticsQuery,
  range: TimeRange,
): SelectQueryBuilder<ObjectLiteral> {
  const value = activityValue(selection, dimension);
  const query = selection.activities(range).select(value, 'value');
  if (dimension === 'property')
    query.andWhere('activity.properties IS NOT NULL').andWhere(`${value} IS NOT NULL`, { property });
  if (dimension === 'route' || dimension === 'group') query.andWhere(`${value} IS NOT NULL`);
  const named = dimension === 'group' ? `${value} IN (${groupsMatching(selection, range.since)})` : undefined;
  search(query, value, text, named);
  const key = DISTINCT_KEYS[measure];
  const group = dimension === 'property' ? 'value' : value;
  if (key) return countDistinct(selection, query, key, group);
  return query.addSelect(ACTIVITY_COUNTS[measure], 'count').groupBy(group);
}

/** The SQL of what activities have themselves, with the parameter `property`; alias `activity`. */
export function activityValue({ dialect }: StatisticsQuery, dimension: Dimension): string {
  if (dimension === 'property') return dialect.property('activity.properties', ':property');
  if (dimension === 'path') return PAGE;
  if (dimension === 'group') return 'activity.groupId';
  return dimension === 'route' ? 'activity.route' : 'activity.name';
}
