import { inTurns } from '../in-turns.js';
import { byText, commonest } from './top/rank.js';
import { pathsOf } from '../rollup/path-dictionary.js';
import type { Selection } from '../filter/statistics-query.js';
import type { Journeys } from '../../../../statistics/statistics.types.js';
import type { Stretch } from '../../../../statistics/time/time-range.js';
import { type Way, waysOf } from './visited-sequences.js';

type Counted = [path: string, number: number, visits: number];

/** The ways of visits, cut to the commonest paths of each step, and told as how many took each. */
export async function journeys(
  selection: Selection,
  range: Stretch,
  way: Way & { limit: number },
): Promise<Omit<Journeys, 'asOf'>> {
  const { steps: ways, names } = await waysOf(selection, range, way);
  // Where the way ends at a path, what is first in the row is last on the way.
  const direction = way.end === undefined ? 1 : -1;
  const steps = Array.from({ length: way.depth }, (_, i) => i);
  const counts: Map<number, number>[] = [];
  for (const i of steps) counts.push(await countAt(ways, i));
  const candidates = counts.map((visits) => commonest(visits, way.limit));
  const paths = await pathsOf(selection.manager, candidates.flat());
  const kept = candidates.map((numbers, i) =>
    numbers
      .map((number): Counted => {
        const path = names.get(number) ?? paths.get(number) ?? '';
        return [path, number, counts[i]?.get(number) ?? 0];
      })
      .sort(([a, , n], [b, , m]) => m - n || byText(a, b))
      .slice(0, way.limit),
  );
  const nodes = steps.flatMap((i) => {
    const shown = (kept[i] ?? []).map(([path, , visits]) => ({ step: i * direction || 0, path, visits }));
    const all = sum([...(counts[i]?.values() ?? [])]);
    const others = all - sum(shown.map(({ visits }) => visits));
    return others > 0 ? [...shown, { step: i * direction || 0, path: null, visits: others }] : shown;
  });
  const links: Journeys['links'] = [];
  for (const i of steps.slice(1)) {
    for (const [near, far, visits] of await linksBetween(ways, kept, i)) {
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

async function countAt(ways: number[][], step: number): Promise<Map<number, number>> {
  const counts = new Map<number, number>();
  for await (const some of inTurns(ways)) {
    for (const way of some) {
      const number = way[step];
      if (number !== undefined) counts.set(number, (counts.get(number) ?? 0) + 1);
    }
  }
  return counts;
}

/** From each path that is kept at the step before, or `null`, to each that is at the step. */
async function linksBetween(
  ways: number[][],
  kept: Counted[][],
  step: number,
): Promise<[near: string | null, far: string | null, visits: number][]> {
  const [near = [], far = []] = kept.slice(step - 1);
  const [nearPlaces, farPlaces] = [placesOf(near), placesOf(far)];
  const width = far.length + 1;
  const counts = Array.from({ length: (near.length + 1) * width }, () => 0);
  for await (const some of inTurns(ways)) {
    for (const way of some) {
      const [from, to] = [way[step - 1], way[step]];
      if (from === undefined || to === undefined) continue;
      const at = (nearPlaces.get(from) ?? near.length) * width + (farPlaces.get(to) ?? far.length);
      counts[at] = (counts[at] ?? 0) + 1;
    }
  }
  return counts.flatMap((visits, at) =>
    visits > 0 ? [[near[Math.trunc(at / width)]?.[0] ?? null, far[at % width]?.[0] ?? null, visits]] : [],
  );
}

function placesOf(kept: Counted[]): Map<number, number> {
  return new Map(kept.map(([, number], place) => [number, place]));
}

function sum(numbers: number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
