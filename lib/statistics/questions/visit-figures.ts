import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { groupingOf, intervalSql } from '../calendar.js';
import type { Figures } from './figures.types.js';
import type { Selection } from './selection.js';
import type { Measure } from '../statistics.types.js';
import type { Stretch } from '../stretch.js';

type Found = Partial<Record<Measure, Figures>>;

/** What was counted in an interval, or is its median. */
interface Counted {
  measure: Measure;
  n: string | number;
  value: string | number;
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
  const sums: Measure[] = ['visits', ...measures.filter((measure) => conditions[measure] !== undefined)];
  for (const measure of sums.slice(1))
    query.addSelect(`SUM(CASE WHEN ${conditions[measure]} THEN 1 ELSE 0 END)`, measure);
  const asked = measures.includes('visitDuration') ? withMedians(selection, query, sums) : query;
  const rows = await asked.getRawMany<
    Partial<Record<Measure, string | number>> & { n: string | number; median?: string }
  >();
  return figuresFrom(
    rows.flatMap(({ n, median, ...counts }): Counted[] => [
      ...sums.map((measure) => ({ measure, n, value: counts[measure] ?? 0 })),
      ...(median === undefined ? [] : [{ measure: 'visitDuration' as const, n, value: median }]),
    ]),
    starts,
  );
}

/** In the same pass over visits: these are counted by their duration, too, and put together again. */
function withMedians(
  { manager }: Selection,
  query: SelectQueryBuilder<ObjectLiteral>,
  sums: Measure[],
): SelectQueryBuilder<ObjectLiteral> {
  query.addSelect('visit.duration', 'duration').addGroupBy('visit.duration');
  const medians = manager
    .createQueryBuilder()
    // As it is made in any order, PostgreSQL hashes visits for it, of which there are many more than durations to be sorted.
    .addCommonTableExpression(query, 'counted', { materialized: true })
    .select('n')
    .addSelect(MEDIAN, 'median')
    .from(`(${ranked('counted')})`, 'ranked')
    .setParameters(query.getParameters())
    .groupBy('n');
  for (const sum of sums) medians.addSelect(`SUM(ranked.${manager.connection.driver.escape(sum)})`, sum);
  return medians;
}

/** With how many `visits` of the interval are at most as long, and how many it has. */
function ranked(counted: string): string {
  return `SELECT counted.*, SUM(visits) OVER (PARTITION BY n ORDER BY duration) AS upto, SUM(visits) OVER (PARTITION BY n) AS total
    FROM ${counted}`;
}

/** Half of the two in the middle, which are one where the visits are odd. */
const MEDIAN = `(MIN(CASE WHEN 2 * upto >= total THEN duration END) + MIN(CASE WHEN 2 * upto > total THEN duration END)) / 2.0`;

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

function figuresFrom(rows: Counted[], starts: number[]): Found {
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
