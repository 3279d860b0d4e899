import type { EntityManager } from 'typeorm';
import { pathsOf } from '../../rollup/path-dictionary.js';
import type { TopRow } from '../../../../../statistics/statistics.types.js';

/** So many of the commonest, and all that are as common as the last of them: their paths decide. */
export function commonest(counts: Map<number, number>, limit: number): number[] {
  const ordered = [...counts].sort(([, a], [, b]) => b - a);
  const least = ordered[limit - 1]?.[1] ?? 0;
  return ordered.filter(([, count]) => count >= least).map(([number]) => number);
}

/** By code points, as the databases do; none comes last. */
export function byText(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** The largest first, and none before texts of the same count. */
export function commonestRows(counts: Map<string | null, number>, limit: number): TopRow[] {
  return [...counts]
    .filter(([, count]) => count > 0)
    .map(([value, count]) => ({ value, count }))
    .sort(
      (a, b) =>
        b.count - a.count || Number(b.value === null) - Number(a.value === null) || byText(a.value, b.value),
    )
    .slice(0, limit);
}

/**
 * The same of paths by their numbers.
 * @param names of paths that have numbers here alone
 */
export async function commonestPaths(
  manager: EntityManager,
  counts: Map<number, number>,
  limit: number,
  names: Map<number, string> = new Map(),
): Promise<TopRow[]> {
  const candidates = commonest(new Map([...counts].filter(([, count]) => count > 0)), limit);
  const paths = await pathsOf(manager, candidates);
  const found = candidates.map((number): [path: string, count: number] => [
    names.get(number) ?? paths.get(number) ?? '',
    counts.get(number) ?? 0,
  ]);
  return commonestRows(new Map(found), limit);
}
