/** The SQL of the durations in each interval, with the number of visits that are at most as long (`upto`) and of all (`total`). */
export function ranked(counted: string): string {
  return `SELECT counted.*, SUM(visits) OVER (PARTITION BY n ORDER BY duration) AS upto, SUM(visits) OVER (PARTITION BY n) AS total
    FROM ${counted}`;
}

/** The mean of the two middle values; both are the same value if the count is odd. */
export const MEDIAN = `(MIN(CASE WHEN 2 * upto >= total THEN duration END) + MIN(CASE WHEN 2 * upto > total THEN duration END)) / 2.0`;
