import type { Span } from '../../../statistics/statistics.types.js';

/** How much of a range may be missing for a comparison with it to be fair. */
const MAX_MISSING = 1 / 20;

/**
 * Whether there was data in all of a range.
 * @param since the first activity's date
 */
export function isCovered({ from, to }: Span, since: string | null): boolean {
  if (since === null) return false;
  const [start, end] = [Date.parse(from), Date.parse(to)];
  return Date.parse(since) - start <= MAX_MISSING * (end - start);
}
