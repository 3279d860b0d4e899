import { yieldingChunks } from '../../../../database/chunks.js';
import { byText } from '../../../ranking.js';
import { topN } from './top/rank.js';
import { findPaths } from '../rollup/path-dictionary.js';
import type { StatisticsQuery } from '../filter/statistics-query.js';
import type { Journeys } from '../../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../../statistics/time/time-range.js';
import type { JourneyQuery } from '../../../../statistics/statistics.store.js';
import { loadJourneySteps } from './journey-steps.js';
import { loadRouteSteps } from './route-steps.js';

type Counted = [path: string, number: number, visits: number];

/** Finds the most frequent paths, or routes, of each step, and counts the visits that went from one to another. */
export async function journeys(
  selection: StatisticsQuery,
  range: TimeRange,
  query: JourneyQuery,
): Promise<Omit<Journeys, 'asOf'>> {
  const load = query.by === 'route' ? loadRouteSteps : loadJourneySteps;
  const { journeys: rows, weights, names } = await load(selection, range, query);
  // If journeys end at a path, the last step is the first of a row.
  const direction = query.end === undefined ? 1 : -1;
  const steps = Array.from({ length: query.depth }, (_, i) => i);
  const counts: Map<number, number>[] = [];
  for (const i of steps) counts.push(await countAt(rows, weights, i));
  const candidates = counts.map((visits) => topN(visits, query.limit));
  const paths = await findPaths(selection.manager, candidates.flat());
  const kept = candidates.map((numbers, i) =>
    numbers
      .map((number): Counted => {
        const path = names.get(number) ?? paths.get(number) ?? '';
        return [path, number, counts[i]?.get(number) ?? 0];
      })
      .sort(([a, , n], [b, , m]) => m - n || byText(a, b))
      .slice(0, query.limit),
  );
  const nodes = steps.flatMap((i) => {
    const shown = (kept[i] ?? []).map(([path, , visits]) => ({ step: i * direction || 0, path, visits }));
    const all = sum([...(counts[i]?.values() ?? [])]);
    const others = all - sum(shown.map(({ visits }) => visits));
    return others > 0 ? [...shown, { step: i * direction || 0, path: null, visits: others }] : shown;
  });
  const links: Journeys['links'] = [];
  for (const i of steps.slice(1)) {
    for (const [near, far, visits] of await linksBetween(rows, weights, kept, i)) {
      const [from, to] = direction === 1 ? [near, far] : [far, near];
      links.push({ step: direction === 1 ? i - 1 : -i, from, to, visits });
    }
  }
  return {
    nodes: nodes.sort((a, b) => a.step - b.step || b.visits - a.visits || byText(a.path, b.path)),
    links: links.sort(
      (a, b) => a.step - b.step || b.visits - a.visits || byText(a.from, b.from) || byText(a.to, b.to),
    ),
  };
}

async function countAt(
  rows: number[][],
  weights: number[] | undefined,
  step: number,
): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  let at = 0;
  for await (const some of yieldingChunks(rows)) {
    for (const steps of some) {
      const number = steps[step];
      const visits = weights?.[at++] ?? 1;
      if (number !== undefined) counts.set(number, (counts.get(number) ?? 0) + visits);
    }
  }
  return counts;
}

/** The links from each path (or `null`) of the previous step to each path of the step. */
async function linksBetween(
  rows: number[][],
  weights: number[] | undefined,
  kept: Counted[][],
  step: number,
): Promise<[near: string | null, far: string | null, visits: number][]> {
  const [near = [], far = []] = kept.slice(step - 1);
  const [nearPlaces, farPlaces] = [indexById(near), indexById(far)];
  const width = far.length + 1;
  const counts = Array.from({ length: (near.length + 1) * width }, () => 0);
  let row = 0;
  for await (const some of yieldingChunks(rows)) {
    for (const steps of some) {
      const [from, to] = [steps[step - 1], steps[step]];
      const visits = weights?.[row++] ?? 1;
      if (from === undefined || to === undefined) continue;
      const at = (nearPlaces.get(from) ?? near.length) * width + (farPlaces.get(to) ?? far.length);
      counts[at] = (counts[at] ?? 0) + visits;
    }
  }
  return counts.flatMap((visits, at) =>
    visits > 0 ? [[near[Math.trunc(at / width)]?.[0] ?? null, far[at % width]?.[0] ?? null, visits]] : [],
  );
}

function indexById(kept: Counted[]): Map<number, number> {
  return new Map(kept.map(([, number], place) => [number, place]));
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
