/** With how many `visits` of the interval are at most as long, and how many it has. */
export function ranked(counted: string): string {
  return `SELECT counted.*, SUM(visits) OVER (PARTITION BY n ORDER BY duration) AS upto, SUM(visits) OVER (PARTITION BY n) AS total
    FROM ${counted}`;
}

/** Half of the two in the middle, which are one where the visits are odd. */
export const MEDIAN = `(MIN(CASE WHEN 2 * upto >= total THEN duration END) + MIN(CASE WHEN 2 * upto > total THEN duration END)) / 2.0`;
