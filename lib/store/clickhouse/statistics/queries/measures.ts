import type { MeasureValues } from '../../../../statistics/statistics.store.js';
import type { Measure } from '../../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../../statistics/time/time-range.js';
import { ENGAGEMENT } from '../../../../activity/engagement.js';
import { text } from '../../sql.js';
import { startSql, type StatisticsQuery } from '../statistics-query.js';

type Row = { start: number } & Partial<Record<Measure, number | null>>;

/** The SQL of each measure over the activities in an interval. */
const ACTIVITY_SQL: Partial<Record<Measure, string>> = {
  activities: 'count() AS activities',
  views: `countIf(name = 'view') AS views`,
};
const VISIT_SQL: Partial<Record<Measure, string>> = {
  visits: 'count() AS visits',
  bounceRate: 'countIf(bounced) / count() AS bounceRate',
  visitDuration: 'quantileExactInclusive(0.5)(duration) AS visitDuration',
};
const VISITOR_SQL: Partial<Record<Measure, string>> = {
  users: 'uniqExact(userId) AS users',
  sessions: 'uniqExact(sessionId) AS sessions',
};

/** The values of an interval without activities. */
const NOTHING: Record<Measure, number | null> = {
  users: 0,
  sessions: 0,
  visits: 0,
  activities: 0,
  views: 0,
  bounceRate: null,
  visitDuration: null,
};

/** Each measure for each interval. */
export async function computeMeasures<M extends Measure>(
  measures: readonly M[],
  query: StatisticsQuery,
  range: TimeRange,
  starts: number[],
): Promise<Record<M, MeasureValues>> {
  const select = (sql: Partial<Record<Measure, string>>): string[] =>
    measures.flatMap((measure) => sql[measure] ?? []);
  const ask = async (columns: string[], from: string): Promise<Row[]> =>
    columns.length > 0 ? query.ask<Row>(`SELECT start, ${columns.join(', ')} ${from} GROUP BY start`) : [];
  const visitColumns = select(VISIT_SQL);
  const found = await Promise.all([
    ask(
      select(ACTIVITY_SQL),
      `FROM (SELECT ${startSql('date', starts)} AS start, name ${query.activities(range)})`,
    ),
    ask(
      visitColumns,
      `FROM (SELECT ${startSql('startedAt', starts)} AS start, bounced, duration ${query.visits(range)})`,
    ),
    // Those of the visits that started, and of activities without a visit.
    ask(
      select(VISITOR_SQL),
      `FROM (SELECT ${startSql('startedAt', starts)} AS start, userId, sessionId ${query.visits(range)}
        UNION ALL SELECT ${startSql('date', starts)}, userId, sessionId
        ${query.activities(range, "visitId = ''", `name != ${text(ENGAGEMENT)}`)})`,
    ),
  ]);
  const byStart = new Map<number, Row>();
  for (const row of found.flat()) byStart.set(row.start, { ...byStart.get(row.start), ...row });
  const entries = measures.map((measure) => [
    measure,
    starts.map((start) => byStart.get(start)?.[measure] ?? NOTHING[measure]),
  ]);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- each measure has an entry
  return Object.fromEntries(entries) as Record<M, MeasureValues>;
}
