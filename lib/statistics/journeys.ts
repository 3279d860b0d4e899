import type { Selection } from './selection.js';
import type { Journeys } from './statistics.types.js';
import type { Stretch } from './stretch.js';
import { type Way, type WayRow as Row, waysOf } from './ways.js';

/** The ways of visits, told as how many took each; then cut to the commonest paths of each step. */
export async function journeys(
  selection: Selection,
  range: Stretch,
  way: Way & { limit: number },
): Promise<Journeys> {
  const rows = await waysOf(selection, range, way);
  // Where the way ends at a path, what is first in the row is last on the way.
  const direction = way.end === undefined ? 1 : -1;
  const steps = Array.from({ length: way.depth }, (_, i) => i);
  const counts = steps.map((i) => countBy(rows, (row) => row.paths[i]));
  const kept = counts.map(
    (paths) =>
      new Set(
        largest(paths)
          .slice(0, way.limit)
          .map(([path]) => path),
      ),
  );
  const shown = (row: Row, i: number): string | null | undefined => {
    const path = row.paths[i];
    return path === undefined || kept[i]?.has(path) ? path : null;
  };
  const nodes = steps.flatMap((i) =>
    largest(countBy(rows, (row) => shown(row, i))).map(([path, visits]) => ({
      step: i * direction || 0,
      path,
      visits,
    })),
  );
  const links = steps.slice(1).flatMap((i) => {
    const pairs = new Map<string | null, Map<string | null, number>>();
    for (const row of rows) {
      const [near, far] = [shown(row, i - 1), shown(row, i)];
      if (near === undefined || far === undefined) continue;
      const [from, to] = direction === 1 ? [near, far] : [far, near];
      const onwards = pairs.get(from) ?? new Map<string | null, number>();
      pairs.set(from, onwards.set(to, (onwards.get(to) ?? 0) + row.visits));
    }
    const step = direction === 1 ? i - 1 : -i;
    return [...pairs].flatMap(([from, onwards]) =>
      [...onwards].map(([to, visits]) => ({ step, from, to, visits })),
    );
  });
  return {
    nodes: nodes.sort((a, b) => a.step - b.step || b.visits - a.visits || byPath(a.path, b.path)),
    links: links.sort(
      (a, b) => a.step - b.step || b.visits - a.visits || byPath(a.from, b.from) || byPath(a.to, b.to),
    ),
  };
}

function countBy<K>(rows: Row[], keyOf: (row: Row) => K | undefined): Map<K, number> {
  const counts = new Map<K, number>();
  for (const row of rows) {
    const key = keyOf(row);
    if (key !== undefined) counts.set(key, (counts.get(key) ?? 0) + row.visits);
  }
  return counts;
}

function largest<K extends string | null>(counts: Map<K, number>): [K, number][] {
  return [...counts].sort(([a, n], [b, m]) => m - n || byPath(a, b));
}

/** By code points, as the databases do; what has no path comes last. */
function byPath(a: string | null, b: string | null): number {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
