import { intervalSql } from '../../../../../statistics/time/calendar.js';
import type { Figures } from './measures.types.js';
import { MEDIAN, ranked } from './median.js';
import type { Selection } from '../../filter/statistics-query.js';
import type { Measure } from '../../../../../statistics/statistics.types.js';
import type { Stretch } from '../../../../../statistics/time/time-range.js';

export type Found = Partial<Record<Measure, Figures>>;

/** What was counted in an interval, or is its median. */
export interface Counted {
  measure: Measure;
  n: string | number;
  value: string | number;
}

/** Of the visits that are `seen`. */
const COUNTS: Record<Measure, string> = {
  visits: 'COUNT(*) AS value FROM seen GROUP BY n',
  users: `COUNT(*) AS value FROM (${different('visit_user')}) who GROUP BY n`,
  sessions: `COUNT(*) AS value FROM (${different('visit_session')}) who GROUP BY n`,
  bounceRate: 'SUM(bounced) AS value FROM seen GROUP BY n',
  visitDuration: `${MEDIAN} AS value FROM (${ranked('(SELECT n, duration, COUNT(*) AS visits FROM seen GROUP BY n, duration) counted')}) ranked GROUP BY n`,
  activities: 'SUM(activities) AS value FROM seen GROUP BY n',
  views: 'SUM(views) AS value FROM seen GROUP BY n',
};

/** PostgreSQL sorts for `COUNT(DISTINCT …)`, and hashes for this. */
function different(column: string): string {
  return `SELECT DISTINCT n, ${column} FROM seen WHERE ${column} IS NOT NULL`;
}

/**
 * Of those that a filter takes, which are looked for once.
 * @param isWhole the SQL of whether a visit's activities and views are counted
 */
export async function figuresOfVisits(
  measures: Measure[],
  selection: Selection,
  range: Stretch,
  starts: number[],
  isWhole = '1 = 0',
): Promise<Found> {
  const seen = selection
    .visits(range)
    .select(intervalSql('visit.startedAt', starts), 'n')
    .addSelect('visit.userId', 'visit_user')
    .addSelect('visit.sessionId', 'visit_session')
    .addSelect('CASE WHEN visit.bounced THEN 1 ELSE 0 END', 'bounced')
    .addSelect('visit.duration', 'duration')
    .addSelect(`CASE WHEN ${isWhole} THEN visit.activities ELSE 0 END`, 'activities')
    .addSelect(`CASE WHEN ${isWhole} THEN visit.views ELSE 0 END`, 'views');
  const counts = [...new Set<Measure>([...measures, 'visits'])].map(
    (measure) => `SELECT '${measure}' AS measure, n, ${COUNTS[measure]}`,
  );
  const [sql, parameters] = seen.getQueryAndParameters();
  const rows: Counted[] = await selection.manager.query(
    `WITH seen AS (${sql}) ${counts.join(' UNION ALL ')}`,
    parameters,
  );
  return figuresFrom(rows, starts);
}

export function figuresFrom(rows: Counted[], starts: number[]): Found {
  const zeros = starts.map(() => 0);
  const durations = starts.map((): number | null => null);
  const sums: Partial<Record<Measure, number[]>> = {};
  for (const { measure, n, value } of rows) {
    const figures = measure === 'visitDuration' ? durations : (sums[measure] ??= [...zeros]);
    figures[Number(n)] = Number(value);
  }
  const { visits = zeros, bounceRate: bounced, users, sessions, activities, views } = sums;
  return {
    visits,
    users: users ?? zeros,
    sessions: sessions ?? zeros,
    activities: activities ?? zeros,
    views: views ?? zeros,
    bounceRate: visits.map((count, n) => (count === 0 ? null : (bounced?.[n] ?? 0) / count)),
    visitDuration: durations,
  };
}
