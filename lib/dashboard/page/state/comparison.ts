import type { Span } from '../../../statistics/statistics.types.js';

/** The share of a range that may be without data; with more, a comparison would be misleading. */
const MAX_MISSING = 1 / 20;

/**
 * Whether there are data for the whole range.
 * @param since the first activity's date
 */
export function isCovered({ from, to }: Span, since: string | null): boolean {
  if (since === null) return false;
  const [start, end] = [Date.parse(from), Date.parse(to)];
  return Date.parse(since) - start <= MAX_MISSING * (end - start);
}
