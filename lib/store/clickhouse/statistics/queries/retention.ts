import type { Retention } from '../../../../statistics/statistics.types.js';
import { listCohortStarts, isoIn, type Range } from '../../../../statistics/time/calendar.js';
import { integer } from '../../sql.js';
import { startSql, type StatisticsQuery } from '../statistics-query.js';

type Asked = Pick<Retention, 'period' | 'by'>;

export async function retention(
  query: StatisticsQuery,
  range: Range,
  { period, by }: Asked,
): Promise<Omit<Retention, 'asOf'>> {
  const starts = listCohortStarts(range, period);
  const key = by === 'user' ? 'userId' : 'sessionId';
  const rows = await query.ask<Record<'cohort' | 'period' | 'count', number>>(
    `SELECT ${startSql('first', starts)} AS cohort, period, count() AS count FROM (
      SELECT min(startedAt) AS first, groupUniqArray(${startSql('startedAt', starts)}) AS periods
      ${query.visits({ until: range.until }, `${key} IS NOT NULL`)}
      GROUP BY ${key} HAVING first >= ${integer(range.since)}
    ) ARRAY JOIN periods AS period GROUP BY cohort, period`,
  );
  const places = new Map(starts.map((start, i) => [start, i]));
  const returned = starts.map((_, cohort) => starts.slice(cohort).map(() => 0));
  for (const row of rows) {
    const cohort = places.get(row.cohort) ?? 0;
    const counts = returned[cohort];
    if (counts) counts[(places.get(row.period) ?? 0) - cohort] = row.count;
  }
  return {
    period,
    by,
    timeZone: range.timeZone,
    cohorts: starts.map((start, i) => ({
      date: isoIn(range, start),
      size: returned[i]?.[0] ?? 0,
      returned: returned[i] ?? [],
    })),
  };
}
