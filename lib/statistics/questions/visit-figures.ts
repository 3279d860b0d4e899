import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { groupingOf, intervalSql } from '../calendar.js';
import type { Figures } from './figures.types.js';
import type { Selection } from './selection.js';
import type { Measure } from '../statistics.types.js';
import type { Stretch } from '../stretch.js';

type Found = Partial<Record<Measure, Figures>>;

/** How often something was counted in an interval: where that is visits of a duration, `value` is the duration. */
interface Counted {
  measure: Measure;
  n: string | number;
  value: string | number;
  times: string | number;
}

/** Of all visits: whether one is its visitor's first in the range, its row tells. */
export async function figuresOfAllVisits(
  measures: Measure[],
  selection: Selection,
  range: Stretch,
  starts: number[],
): Promise<Found> {
  const interval = intervalSql('visit.startedAt', starts);
  const start = intervalSql('visit.startedAt', starts, (each) => Math.max(each, range.since));
  const query: SelectQueryBuilder<ObjectLiteral> = selection
    .visits(range)
    .select(interval, 'n')
    .addSelect('COUNT(*)', 'visits')
    .groupBy(groupingOf(interval));
  const conditions: Partial<Record<Measure, string>> = {
    bounceRate: 'visit.bounced',
    users: `visit.userBefore < ${start}`,
    sessions: `visit.sessionBefore < ${start}`,
  };
  const summed = measures.filter((measure) => conditions[measure] !== undefined);
  for (const measure of summed)
    query.addSelect(`SUM(CASE WHEN ${conditions[measure]} THEN 1 ELSE 0 END)`, measure);
  if (measures.includes('visitDuration'))
    query.addSelect('visit.duration', 'duration').addGroupBy('visit.duration');
  const rows = await query.getRawMany<
    Partial<Record<Measure, string | number>> & {
      n: string | number;
      visits: string;
      duration?: string | number;
    }
  >();
  return figuresFrom(
    rows.flatMap(({ n, duration, ...counts }): Counted[] => [
      { measure: 'visits', n, value: 0, times: counts.visits },
      ...summed.map((measure) => ({ measure, n, value: 0, times: counts[measure] ?? 0 })),
      ...(duration === undefined
        ? []
        : [{ measure: 'visitDuration' as const, n, value: duration, times: counts.visits }]),
    ]),
    starts,
  );
}

/** How often each measure is `seen`. */
const COUNTS: Record<Measure, string> = {
  visits: '0 AS value, COUNT(*) AS times FROM seen GROUP BY n',
  users: `0 AS value, COUNT(*) AS times FROM (${different('visit_user')}) who GROUP BY n`,
  sessions: `0 AS value, COUNT(*) AS times FROM (${different('visit_session')}) who GROUP BY n`,
  bounceRate: '0 AS value, SUM(bounced) AS times FROM seen GROUP BY n',
  visitDuration: 'duration AS value, COUNT(*) AS times FROM seen GROUP BY n, duration',
  activities: '0 AS value, SUM(activities) AS times FROM seen GROUP BY n',
  views: '0 AS value, SUM(views) AS times FROM seen GROUP BY n',
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

function figuresFrom(rows: Counted[], starts: number[]): Found {
  const zeros = starts.map(() => 0);
  const sums: Partial<Record<Measure, number[]>> = {};
  const durations = starts.map((): [duration: number, visits: number][] => []);
  for (const row of rows) {
    const [n, times] = [Number(row.n), Number(row.times)];
    if (row.measure === 'visitDuration') {
      durations[n]?.push([Number(row.value), times]);
      continue;
    }
    const sum = (sums[row.measure] ??= [...zeros]);
    sum[n] = (sum[n] ?? 0) + times;
  }
  const { visits = zeros, bounceRate: bounced, users, sessions, activities, views } = sums;
  return {
    visits,
    users: users ?? zeros,
    sessions: sessions ?? zeros,
    activities: activities ?? zeros,
    views: views ?? zeros,
    bounceRate: visits.map((count, n) => (count === 0 ? null : (bounced?.[n] ?? 0) / count)),
    visitDuration: durations.map((counted, n) => medianOf(counted, visits[n] ?? 0)),
  };
}

/** Of so many values, given as value and number of times. */
function medianOf(counted: [value: number, times: number][], total: number): number | null {
  if (total === 0) return null;
  const ascending = counted.toSorted(([a], [b]) => a - b);
  const at = (place: number): number => {
    let seen = 0;
    return ascending.find(([, times]) => (seen += times) > place)?.[0] ?? 0;
  };
  return (at((total - 1) >> 1) + at(total >> 1)) / 2;
}
