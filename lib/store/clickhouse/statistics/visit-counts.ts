import type { Dimension, TopMeasure } from '../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../statistics/time/time-range.js';
import { PAGE } from '../filter.js';
import { all } from '../sql.js';
import type { StatisticsQuery } from './statistics-query.js';

// Counts of activities by page and name from the rows of the visits: far fewer rows than the activities. The activities of visits that
// cross the end of the range, of several sessions, or of none are counted singly, in the same statement.

const IS_VIEW = `name = 'view'`;

type CountedDimension = 'path' | 'name';
type CountedMeasure = 'activities' | 'views' | 'visits';

/** True if rows of visits have the values of the dimension. */
export function isCountedDimension(dimension: Dimension): dimension is CountedDimension {
  return dimension === 'path' || dimension === 'name';
}

/** True if rows of visits have what is counted. */
export function isCountedMeasure(measure: TopMeasure): measure is CountedMeasure {
  return measure === 'activities' || measure === 'views' || measure === 'visits';
}

/** Returns the SQL of values of a dimension and their counts (`counted`), some for each value. */
export function countValues(
  dimension: CountedDimension,
  measure: CountedMeasure,
  query: StatisticsQuery,
  range: TimeRange,
): string {
  const [value, pairs] =
    dimension === 'path'
      ? [PAGE, `(${PAGE}, name) -> ${query.ofActivities}, counts.page, counts.name`]
      : ['name', `(name, ${PAGE}) -> ${query.ofActivities}, counts.name, counts.page`];
  if (measure === 'visits')
    return `SELECT arrayJoin(arrayDistinct(arrayFilter(${pairs}))) AS value, toUInt64(1) AS counted ${query.containedVisits(range)}
      UNION ALL SELECT ${value} AS value, uniqExact(visitId) AS counted ${query.otherActivities(range)} GROUP BY value`;
  const conditions = measure === 'views' ? [IS_VIEW] : [];
  const singly = `SELECT ${value} AS value, toUInt64(1) AS counted`;
  return `SELECT ${value} AS value, toUInt64(activities) AS counted FROM (SELECT counts ${query.containedVisits(range)})
      ARRAY JOIN counts.page AS ${PAGE}, counts.name AS name, counts.activities AS activities
      WHERE ${all([...conditions, query.ofActivities])}
    UNION ALL ${singly} ${query.otherActivities(range, ...conditions)}
    UNION ALL ${singly} ${query.activitiesOutsideVisits(range, ...conditions)}`;
}
