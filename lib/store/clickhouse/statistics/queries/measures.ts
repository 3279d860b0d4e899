import type { MeasureValues } from '../../../../statistics/statistics.store.js';
import type { Measure } from '../../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../../statistics/time/time-range.js';
import { ENGAGEMENT } from '../../../../activity/engagement.js';
import { text } from '../../sql.js';
import { startSql, type StatisticsQuery } from '../statistics-query.js';

type Row = { start: number } & Partial<Record<Measure, number | null>>;

type Source = 'activities' | 'visits' | 'visitors';

/** The source of each measure, its SQL over an interval, and its value in an interval without activities. */
const MEASURES: Record<Measure, { source: Source; sql: string; empty: number | null }> = {
  activities: { source: 'activities', sql: 'count()', empty: 0 },
  views: { source: 'activities', sql: `countIf(name = 'view')`, empty: 0 },
  visits: { source: 'visits', sql: 'count()', empty: 0 },
  bounceRate: { source: 'visits', sql: 'countIf(bounced) / count()', empty: null },
  visitDuration: { source: 'visits', sql: 'quantileExactInclusive(0.5)(duration)', empty: null },
  users: { source: 'visitors', sql: 'uniqExact(userId)', empty: 0 },
  sessions: { source: 'visitors', sql: 'uniqExact(sessionId)', empty: 0 },
};

/** Computes each measure for each interval. */
export async function computeMeasures<M extends Measure>(
  measures: readonly M[],
  query: StatisticsQuery,
  range: TimeRange,
  starts: number[],
): Promise<Record<M, MeasureValues>> {
  const select = (source: Source): string[] =>
    measures
      .filter((measure) => MEASURES[measure].source === source)
      .map((measure) => `${MEASURES[measure].sql} AS ${measure}`);
  const ask = async (columns: string[], from: string): Promise<Row[]> =>
    columns.length > 0 ? query.ask<Row>(`SELECT start, ${columns.join(', ')} ${from} GROUP BY start`) : [];
  const found = await Promise.all([
    // Rows of visits have these numbers, too, but to add them up took twice the time.
    ask(
      select('activities'),
      `FROM (SELECT ${startSql('date', starts)} AS start, name ${query.activities(range)})`,
    ),
    ask(
      select('visits'),
      `FROM (SELECT ${startSql('startedAt', starts)} AS start, bounced, duration ${query.visits(range)})`,
    ),
    // Visitors of the visits that started in the range, and of activities without a visit.
    ask(
      select('visitors'),
      `FROM (SELECT ${startSql('startedAt', starts)} AS start, userId, sessionId ${query.visits(range)}
        UNION ALL SELECT ${startSql('date', starts)}, userId, sessionId
        ${query.activities(range, "visitId = ''", `name != ${text(ENGAGEMENT)}`)})`,
    ),
  ]);
  const byStart = new Map<number, Row>();
  for (const row of found.flat()) byStart.set(row.start, { ...byStart.get(row.start), ...row });
  const entries = measures.map((measure) => [
    measure,
    starts.map((start) => byStart.get(start)?.[measure] ?? MEASURES[measure].empty),
  ]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each measure has an entry
  return Object.fromEntries(entries) as Record<M, MeasureValues>;
}
