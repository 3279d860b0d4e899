import { SESSION_PROPERTIES } from '../../../../activity/session.js';
import type { TopQuery } from '../../../../statistics/statistics.store.js';
import {
  type ActivityDimension,
  type Dimension,
  isActivityDimension,
  type TopMeasure,
  type TopRow,
} from '../../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../../statistics/time/time-range.js';
import { PAGE, propertySql } from '../../filter.js';
import { all, ID_ORDER, integer, text, texts } from '../../sql.js';
import { ACTIVITY, VISIT } from '../../tables.js';
import type { StatisticsQuery } from '../statistics-query.js';
import { countVisits } from '../visit-counts.js';

/** The SQL of each measure over activities. */
const ACTIVITY_COUNTS: Record<TopMeasure, string> = {
  activities: 'count()',
  views: `countIf(name = 'view')`,
  visits: `uniqExactIf(visitId, visitId != '')`,
  sessions: 'uniqExact(sessionId)',
  users: 'uniqExact(userId)',
};
/** The SQL of each measure over visits. */
const VISIT_COUNTS: Record<TopMeasure, string> = {
  activities: 'sum(activities)',
  views: 'sum(views)',
  visits: 'count()',
  sessions: 'uniqExact(sessionId)',
  users: 'uniqExact(userId)',
};

/** A condition that ClickHouse checks before it reads the text of the properties. */
export const HAS_PROPERTIES = 'properties IS NOT NULL';

/** The dimensions for which the result has a row for "no value". */
export const MAY_BE_NULL = new Set<Dimension>(['referrer', ...SESSION_PROPERTIES]);

export async function top(
  { dimension, measure, property = '', search, limit }: TopQuery,
  query: StatisticsQuery,
  range: TimeRange,
): Promise<TopRow[]> {
  const conditions = (value: string): string[] => [
    ...(MAY_BE_NULL.has(dimension) && search === undefined ? [] : [`(${value}) IS NOT NULL`]),
    ...(search === undefined ? [] : [foundBy(search, value, dimension, range, query.scope)]),
  ];
  const count = (): string => {
    if (!isActivityDimension(dimension)) {
      const column = dimension === 'user' ? 'userId' : dimension;
      return `(${column}) AS value, ${VISIT_COUNTS[measure ?? 'visits']} AS count ${query.visits(range, ...conditions(column))}`;
    }
    const counted = measure ?? defaultMeasure(dimension, query.nameOfAll);
    // Only visits: to count activities and views, the rows of visits took longer than the activities.
    if (counted === 'visits' && query.isOfPairs && (dimension === 'path' || dimension === 'name'))
      return `value, sum(counted) AS count FROM (${countVisits(dimension, query, range)}) WHERE ${all(conditions('value'))}`;
    const value = activityValue(dimension, property);
    return `(${value}) AS value, ${ACTIVITY_COUNTS[counted]} AS count ${query.activities(range, ...(dimension === 'property' ? [HAS_PROPERTIES] : []), ...conditions(value))}`;
  };
  const rows = await query.ask<TopRow>(
    `SELECT ${count()} GROUP BY value HAVING count > 0 ORDER BY count DESC, value ASC NULLS FIRST LIMIT ${limit}`,
  );
  if (dimension === 'group') return addGroupNames(query, rows);
  return dimension === 'user' ? addNames(query, rows) : rows;
}

/** The SQL of what activities have themselves. */
export function activityValue(dimension: ActivityDimension, property: string): string {
  return { path: PAGE, route: 'route', name: 'name', property: propertySql(property), group: 'groupId' }[
    dimension
  ];
}

function defaultMeasure(dimension: Dimension, name: string | null | undefined): TopMeasure {
  return dimension === 'path' && (name === undefined || name === 'view') ? 'views' : 'activities';
}

/** The values that contain the text, whatever their case; also the users or groups that had such a name since the range began. */
export function foundBy(
  search: string,
  value: string,
  dimension: Dimension,
  { since }: TimeRange,
  scope: string[],
): string {
  const contains = (column: string): string =>
    `position(lowerUTF8(ifNull(${column}, '')), ${text(search.toLowerCase())}) > 0`;
  if (dimension !== 'user' && dimension !== 'group') return contains(value);
  const name = `${dimension}Name`;
  const named = all([
    `${dimension}Id IS NOT NULL`,
    `${name} IS NOT NULL`,
    `date >= ${integer(since)}`,
    contains(name),
    ...scope,
  ]);
  return `${contains(value)} OR ${value} IN (SELECT ${dimension}Id FROM ${ACTIVITY} WHERE ${named})`;
}

/** Adds the latest name of each group. */
export async function addGroupNames(query: StatisticsQuery, rows: TopRow[]): Promise<TopRow[]> {
  const groups = texts(rows.flatMap(({ value }) => value ?? []));
  const found = await query.ask<{ value: string; name: string }>(
    `SELECT assumeNotNull(groupId) AS value, argMax(groupName, (date, ${ID_ORDER})) AS name FROM ${ACTIVITY}
    WHERE ${all([`groupId IN ${groups}`, 'groupName IS NOT NULL', ...query.scope])} GROUP BY value`,
  );
  const names = new Map(found.map(({ value, name }) => [value, name]));
  return rows.map((row) => ({ ...row, name: names.get(row.value ?? '') ?? null }));
}

/** Adds the latest name in the latest visit of each user. */
export async function addNames(query: StatisticsQuery, rows: TopRow[]): Promise<TopRow[]> {
  const users = texts(rows.flatMap(({ value }) => value ?? []));
  // In a scope a user may have another name.
  const from =
    query.scope.length > 0
      ? query.visits({}, `userId IN ${users}`)
      : `FROM ${VISIT} FINAL WHERE userId IN ${users}`;
  const latest = `SELECT userId, argMax(id, (startedAt, id)) AS visitId ${from} GROUP BY userId`;
  const found = await query.ask<{ user: string; name: string }>(
    `SELECT assumeNotNull(userId) AS user, argMax(userName, (date, ${ID_ORDER})) AS name FROM ${ACTIVITY}
    WHERE ${all(['userName IS NOT NULL', ...query.scope])} AND (userId, visitId) IN (${latest}) GROUP BY user`,
  );
  const names = new Map(found.map(({ user, name }) => [user, name]));
  return rows.map((row) => ({ ...row, name: names.get(row.value ?? '') ?? null }));
}
