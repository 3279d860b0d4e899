/** The SQL of durations, each with the number of visits that are at most as long, and of all in the interval. */
export function ranked(counted: string): string {
  return `SELECT counted.*, SUM(visits) OVER (PARTITION BY n ORDER BY duration) AS upto, SUM(visits) OVER (PARTITION BY n) AS total
    FROM ${counted}`;
}

/** The mean of the two values in the middle, which are the same one if the number is odd. */
export const MEDIAN = `(MIN(CASE WHEN 2 * upto >= total THEN duration END) + MIN(CASE WHEN 2 * upto > total THEN duration END)) / 2.0`;
