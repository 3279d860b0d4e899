import type { MeasureValues } from '../../../../../statistics/statistics.store.js';
import type { Measure } from '../../../../../statistics/statistics.types.js';

export type Found = Partial<Record<Measure, MeasureValues>>;

/** The value of a measure in an interval. */
export interface Counted {
  measure: Measure;
  n: string | number;
  value: string | number;
}

/** Returns the values of each measure by interval; an interval without visits has zeros, and no bounce rate and no duration. */
export function toMeasureValues(rows: Counted[], starts: number[]): Record<Measure, MeasureValues> {
  const zeros = starts.map(() => 0);
  const durations = starts.map((): number | null => null);
  const sums: Partial<Record<Measure, number[]>> = {};
  for (const { measure, n, value } of rows) {
    const values = measure === 'visitDuration' ? durations : (sums[measure] ??= [...zeros]);
    values[Number(n)] = Number(value);
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

/** The SQL of the durations in each interval, with the number of visits that are at most as long (`upto`) and of all (`total`). */
export function ranked(counted: string): string {
  return `SELECT counted.*, SUM(visits) OVER (PARTITION BY n ORDER BY duration) AS upto, SUM(visits) OVER (PARTITION BY n) AS total
    FROM ${counted}`;
}

/** The mean of the two middle values; both are the same value if the count is odd. */
export const MEDIAN = `(MIN(CASE WHEN 2 * upto >= total THEN duration END) + MIN(CASE WHEN 2 * upto > total THEN duration END)) / 2.0`;
