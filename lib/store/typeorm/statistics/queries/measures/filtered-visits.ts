import { intervalSql } from '../../../../../statistics/time/calendar.js';
import { type Counted, type Found, toMeasureValues, MEDIAN, ranked } from './measure-values.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import type { Measure } from '../../../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../../../statistics/time/time-range.js';

/** The end of each measure's `SELECT`. The common table expression `seen` has the visits that match. */
const COUNTS: Record<Measure, string> = {
  visits: 'COUNT(*) AS value FROM seen GROUP BY n',
  users: `COUNT(*) AS value FROM (${distinctSql('visit_user')}) who GROUP BY n`,
  sessions: `COUNT(*) AS value FROM (${distinctSql('visit_session')}) who GROUP BY n`,
  bounceRate: 'SUM(bounced) AS value FROM seen GROUP BY n',
  visitDuration: `${MEDIAN} AS value FROM (${ranked('(SELECT n, duration, COUNT(*) AS visits FROM seen GROUP BY n, duration) counted')}) ranked GROUP BY n`,
  activities: 'SUM(activities) AS value FROM seen GROUP BY n',
  views: 'SUM(views) AS value FROM seen GROUP BY n',
};

/** PostgreSQL hashes for this, while it would sort for `COUNT(DISTINCT …)`. */
function distinctSql(column: string): string {
  return `SELECT DISTINCT n, ${column} FROM seen WHERE ${column} IS NOT NULL`;
}

/**
 * Measures over the visits that match a filter, which are read once.
 * @param containedSql an SQL condition, true for visits whose activities and views are counted from their rows
 */
export async function measureFilteredVisits(
  measures: Measure[],
  selection: StatisticsQuery,
  range: TimeRange,
  starts: number[],
  containedSql = '1 = 0',
): Promise<Found> {
  const seen = selection
    .visits(range)
    .select(intervalSql('visit.startedAt', starts), 'n')
    .addSelect('visit.userId', 'visit_user')
    .addSelect('visit.sessionId', 'visit_session')
    .addSelect('CASE WHEN visit.bounced THEN 1 ELSE 0 END', 'bounced')
    .addSelect('visit.duration', 'duration')
    .addSelect(`CASE WHEN ${containedSql} THEN visit.activities ELSE 0 END`, 'activities')
    .addSelect(`CASE WHEN ${containedSql} THEN visit.views ELSE 0 END`, 'views');
  const counts = [...new Set<Measure>([...measures, 'visits'])].map(
    (measure) => `SELECT '${measure}' AS measure, n, ${COUNTS[measure]}`,
  );
  const [sql, parameters] = seen.getQueryAndParameters();
  const rows: Counted[] = await selection.manager.query(
    `WITH seen AS (${sql}) ${counts.join(' UNION ALL ')}`,
    parameters,
  );
  return toMeasureValues(rows, starts);
}
