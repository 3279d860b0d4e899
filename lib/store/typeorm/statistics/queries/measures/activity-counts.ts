import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { PAGE } from '../../../activity-query.js';
import type { TopMeasure } from '../../../../../statistics/statistics.types.js';

/** The SQL of each count of activities; alias `activity`. */
export const ACTIVITY_COUNTS: Record<TopMeasure, string> = {
  activities: 'COUNT(*)',
  views: `SUM(CASE WHEN activity.name = 'view' THEN 1 ELSE 0 END)`,
  visits: 'COUNT(DISTINCT activity.visitId)',
  sessions: 'COUNT(DISTINCT activity.sessionId)',
  users: 'COUNT(DISTINCT activity.userId)',
};

const COLUMNS = { page: PAGE, name: 'activity.name' } as const;

/** Adds up the counts of several queries, by page or by name. If a visit were in two queries, it would be counted twice. */
export async function countsBy(
  column: keyof typeof COLUMNS,
  queries: SelectQueryBuilder<ObjectLiteral>[],
  measure: TopMeasure,
): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (const query of queries) {
    const rows = await query
      .select(COLUMNS[column], 'value')
      .addSelect(ACTIVITY_COUNTS[measure], 'count')
      .groupBy(COLUMNS[column])
      .getRawMany<{ value: string; count: string | number }>();
    for (const { value, count } of rows) counts.set(value, (counts.get(value) ?? 0) + Number(count));
  }
  return counts;
}
