import type { TimeRange } from '../../../statistics/time/time-range.js';
import { PAGE } from '../filter.js';
import type { StatisticsQuery } from './statistics-query.js';

/**
 * Returns the SQL of pages or names, and how many visits had an activity with it (`counted`), some for each value. Rows of visits have their
 * pages and names. Of visits that cross the end of the range or have several sessions, the activities are read, in the same statement.
 */
export function countVisits(dimension: 'path' | 'name', query: StatisticsQuery, range: TimeRange): string {
  const [value, matching] =
    dimension === 'path'
      ? [PAGE, `(${PAGE}, name) -> ${query.ofActivities}, pairs.page, pairs.name`]
      : ['name', `(name, ${PAGE}) -> ${query.ofActivities}, pairs.name, pairs.page`];
  return `SELECT arrayJoin(arrayDistinct(arrayFilter(${matching}))) AS value, toUInt64(1) AS counted ${query.containedVisits(range)}
    UNION ALL SELECT ${value} AS value, uniqExact(visitId) AS counted ${query.otherActivities(range)} GROUP BY value`;
}
