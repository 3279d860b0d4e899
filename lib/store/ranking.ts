import type { TopRow } from '../statistics/statistics.types.js';

/** Compares by code points, as the databases do; `null` comes last. */
export function byText(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** Orders by count, the highest first; with the same count `null` first, then by code points. */
export function byRank(a: TopRow, b: TopRow): number {
  return b.count - a.count || Number(b.value === null) - Number(a.value === null) || byText(a.value, b.value);
}
