import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { groupBySql, intervalSql } from '../../../../../statistics/time/calendar.js';
import { MEDIAN, ranked, type Counted, toMeasureValues, type Found } from './measure-values.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import type { Measure } from '../../../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../../../statistics/time/time-range.js';

/** The measures of an interval; `median` only if it was requested and there was a visit. */
type Row = Partial<Record<Measure, string | number | null>> & { n: string | number; median?: string | null };

/** Measures over all visits. The columns `previous…VisitAt` show if a visit is its visitor's first in the range. */
export async function measureAllVisits(
  measures: Measure[],
  selection: StatisticsQuery,
  range: TimeRange,
  starts: number[],
): Promise<Found> {
  // For a single interval, both are equally fast.
  const hasSeveral = selection.dialect.hasLateral && starts.length > 1;
  const rows = await (hasSeveral ? queryEachInterval : queryAllIntervals)(measures, selection, range, starts);
  const counts: Measure[] = ['visits', ...measures.filter((measure) => measure !== 'visitDuration')];
  return toMeasureValues(
    rows.flatMap(({ n, median, ...found }): Counted[] => [
      ...counts.map((measure) => ({ measure, n, value: found[measure] ?? 0 })),
      ...(median == null ? [] : [{ measure: 'visitDuration' as const, n, value: median }]),
    ]),
    starts,
  );
}

/** Reads all visits in one pass, and computes the interval of each. */
function queryAllIntervals(
  measures: Measure[],
  selection: StatisticsQuery,
  range: TimeRange,
  starts: number[],
): Promise<Row[]> {
  const interval = intervalSql('visit.startedAt', starts);
  const start = intervalSql('visit.startedAt', starts, (each) => Math.max(each, range.since));
  const query: SelectQueryBuilder<ObjectLiteral> = selection
    .visits(range)
    .select(interval, 'n')
    .groupBy(groupBySql(interval));
  const sums = addCounts(query, measures, start);
  return (measures.includes('visitDuration') ? withMedians(selection, query, sums) : query).getRawMany<Row>();
}

/** Reads one interval after the other, in the order of the index on starts; this takes less than half of the time. */
function queryEachInterval(
  measures: Measure[],
  selection: StatisticsQuery,
  range: TimeRange,
  starts: number[],
): Promise<Row[]> {
  const values = starts.map((start, n) => {
    const until = Math.min(starts[n + 1] ?? range.until, range.until);
    return `(${n}, ${Math.max(start, range.since)}, ${until})`;
  });
  const query: SelectQueryBuilder<ObjectLiteral> = selection
    .visits()
    .select([])
    .andWhere('visit.startedAt >= part.since AND visit.startedAt < part.until');
  addCounts(query, measures, 'part.since');
  if (measures.includes('visitDuration'))
    query.addSelect('percentile_cont(0.5) WITHIN GROUP (ORDER BY visit.duration)', 'median');
  const [sql, parameters] = query.getQueryAndParameters();
  return selection.manager.query(
    `SELECT part.n, found.* FROM (VALUES ${values.join(', ')}) part (n, since, until) CROSS JOIN LATERAL (${sql}) found`,
    parameters,
  );
}

/** Measures that count the visits with a condition, so that the compiler asks for the condition of a new measure. */
type ConditionalMeasure = Exclude<Measure, 'visits' | 'visitDuration' | 'activities' | 'views'>;

/** @param start the SQL of the start of a visit's interval */
function addCounts(query: SelectQueryBuilder<ObjectLiteral>, measures: Measure[], start: string): Measure[] {
  const conditions: Record<ConditionalMeasure, string> = {
    bounceRate: 'visit.bounced',
    users: `visit.previousUserVisitAt < ${start}`,
    sessions: `visit.previousSessionVisitAt < ${start}`,
  };
  const sums = measures.filter((measure): measure is ConditionalMeasure => measure in conditions);
  query.addSelect('COUNT(*)', 'visits');
  for (const measure of sums)
    query.addSelect(`SUM(CASE WHEN ${conditions[measure]} THEN 1 ELSE 0 END)`, measure);
  return ['visits', ...sums];
}

/** Medians in the same pass: visits are also grouped by duration, and the groups are added up again. */
function withMedians(
  { manager }: StatisticsQuery,
  query: SelectQueryBuilder<ObjectLiteral>,
  sums: Measure[],
): SelectQueryBuilder<ObjectLiteral> {
  query.addSelect('visit.duration', 'duration').addGroupBy('visit.duration');
  const medians = manager
    .createQueryBuilder()
    // Materialized without an order, so that PostgreSQL hashes the many visits and sorts only the few durations.
    .addCommonTableExpression(query, 'counted', { materialized: true })
    .select('n')
    .addSelect(MEDIAN, 'median')
    .from(`(${ranked('counted')})`, 'ranked')
    .setParameters(query.getParameters())
    .groupBy('n');
  for (const sum of sums) medians.addSelect(`SUM(ranked.${manager.connection.driver.escape(sum)})`, sum);
  return medians;
}
