import type { Journeys } from '../../../../statistics/statistics.types.js';

/** From where, or to where, the ways lead. */
export type Anchor = 'entry' | 'start' | 'end';

export const ANCHORS: Record<Anchor, string> = {
  entry: 'From entry pages',
  start: 'From a page',
  end: 'To a page',
};

/** The path is empty until it is chosen. */
export function anchorOf(url: URLSearchParams): { anchor: Anchor; path: string } {
  const [start, end] = [url.get('start'), url.get('end')];
  if (start !== null) return { anchor: 'start', path: start };
  return end === null ? { anchor: 'entry', path: '' } : { anchor: 'end', path: end };
}

const DEPTHS = ['2', '3', '4', '5', '6', '7', '8'] as const;

export type Depth = (typeof DEPTHS)[number];

export const DEPTH_WORDS = Object.fromEntries(DEPTHS.map((depth) => [depth, depth]));

export const USUAL_DEPTH: Depth = '4';

export function depthOf(url: URLSearchParams): Depth {
  const given = url.get('depth');
  return DEPTHS.find((each) => each === given) ?? USUAL_DEPTH;
}

/** A page at a step. */
export interface Place {
  id: string;
  step: number;
  path: string | null;
  visits: number;
  /** How many visits ended there, or began there on the ways to a page; of the outermost step nobody asked. */
  rest: number | undefined;
}

export interface Way {
  id: string;
  from: Place;
  to: Place;
  visits: number;
}

export interface Ways {
  steps: number[];
  places: Place[];
  ways: Way[];
}

const idOf = (step: number, path: string | null): string => JSON.stringify([step, path]);

export function waysOf(
  { nodes, links }: Pick<Journeys, 'nodes' | 'links'>,
  anchor: Anchor,
  depth: Depth,
): Ways {
  const steps = [...new Set(nodes.map(({ step }) => step))];
  const outermost = steps.length < Number(depth) ? undefined : anchor === 'end' ? steps[0] : steps.at(-1);
  const places = new Map<string, Place>();
  for (const { step, path, visits } of nodes) {
    const id = idOf(step, path);
    places.set(id, { id, step, path, visits, rest: step === outermost ? undefined : visits });
  }
  const ways = links.flatMap(({ step, from, to, visits }) => {
    const [source, target] = [places.get(idOf(step, from)), places.get(idOf(step + 1, to))];
    if (!source || !target) return [];
    const goer = anchor === 'end' ? target : source;
    if (goer.rest !== undefined) goer.rest -= visits;
    return [{ id: `${source.id} ${target.id}`, from: source, to: target, visits }];
  });
  return { steps, places: [...places.values()].sort((a, b) => a.step - b.step || compare(a, b)), ways };
}

/** The commonest first, the less common ones together last. */
export function compare(a: Place, b: Place): number {
  if (a.path === null || b.path === null) return Number(a.path === null) - Number(b.path === null);
  return b.visits - a.visits || Number(a.path > b.path) - Number(a.path < b.path);
}

export const nameOf = (path: string | null): string => path ?? 'Other pages';

/** Such as "Entry", "Page 2", or "2 pages before". */
export function stepName(step: number, anchor: Anchor): string {
  if (anchor === 'entry') return step === 0 ? 'Entry' : `Page ${step + 1}`;
  if (step === 0) return anchor === 'start' ? 'Start' : 'End';
  const pages = Math.abs(step) === 1 ? '1 page' : `${Math.abs(step)} pages`;
  return step > 0 ? `${pages} after` : `${pages} before`;
}
