import type { Journeys } from '../../../../statistics/statistics.types.js';

/** Where the shown journeys start or end. */
export type Anchor = 'entry' | 'start' | 'end';

/** What the steps are. */
export type StepKind = 'path' | 'route';

export const STEP_KINDS: Record<StepKind, string> = { path: 'Pages', route: 'Routes' };

export const ANCHORS: Record<StepKind, Record<Anchor, string>> = {
  path: { entry: 'From entry pages', start: 'From a page', end: 'To a page' },
  route: { entry: 'From first routes', start: 'From a route', end: 'To a route' },
};

export const stepKindOf = (url: URLSearchParams): StepKind => (url.get('by') === 'route' ? 'route' : 'path');

/** The path, or route, is empty until the user chooses one. */
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

/** A page or route at a step. */
export interface JourneyNode {
  id: string;
  step: number;
  /** A path or a route; `null` for all others together. */
  path: string | null;
  visits: number;
  /** Visits that ended here, or started here if the journeys lead to a page; `undefined` at the outermost step, which is not known. */
  rest: number | undefined;
}

export interface JourneyLink {
  id: string;
  from: JourneyNode;
  to: JourneyNode;
  visits: number;
}

export interface JourneyGraph {
  steps: number[];
  nodes: JourneyNode[];
  links: JourneyLink[];
}

const idOf = (step: number, path: string | null): string => JSON.stringify([step, path]);

export function toJourneyGraph(
  journeys: Pick<Journeys, 'nodes' | 'links'>,
  anchor: Anchor,
  depth: Depth,
): JourneyGraph {
  const steps = [...new Set(journeys.nodes.map(({ step }) => step))];
  const outermost = steps.length < Number(depth) ? undefined : anchor === 'end' ? steps[0] : steps.at(-1);

  const nodes = new Map<string, JourneyNode>();
  for (const { step, path, visits } of journeys.nodes) {
    const id = idOf(step, path);
    nodes.set(id, { id, step, path, visits, rest: step === outermost ? undefined : visits });
  }

  const links = journeys.links.flatMap(({ step, from, to, visits }) => {
    const [source, target] = [nodes.get(idOf(step, from)), nodes.get(idOf(step + 1, to))];
    if (!source || !target) return [];
    const continuing = anchor === 'end' ? target : source;
    if (continuing.rest !== undefined) continuing.rest -= visits;
    return [{ id: `${source.id} ${target.id}`, from: source, to: target, visits }];
  });

  return { steps, nodes: [...nodes.values()].sort((a, b) => a.step - b.step || compare(a, b)), links };
}

/** Sorts by visits, descending; all others, which are one node, are last. */
export function compare(a: JourneyNode, b: JourneyNode): number {
  if (a.path === null || b.path === null) return Number(a.path === null) - Number(b.path === null);
  return b.visits - a.visits || Number(a.path > b.path) - Number(a.path < b.path);
}

export const nameOf = (path: string | null): string => path ?? 'All others';

/** Such as "Entry", "Step 2", or "2 steps before". */
export function stepName(step: number, anchor: Anchor): string {
  if (anchor === 'entry') return step === 0 ? 'Entry' : `Step ${step + 1}`;
  if (step === 0) return anchor === 'start' ? 'Start' : 'End';
  const steps = Math.abs(step) === 1 ? '1 step' : `${Math.abs(step)} steps`;
  return step > 0 ? `${steps} after` : `${steps} before`;
}

/** The node or link that has the focus or the pointer. */
export type ActiveItem = { node: JourneyNode; link?: never } | { link: JourneyLink; node?: never };

export function findItem({ nodes, links }: JourneyGraph, id: string | undefined): ActiveItem | undefined {
  const node = nodes.find((each) => each.id === id);
  if (node) return { node };
  const link = links.find((each) => each.id === id);
  return link && { link };
}

/** Returns the ids of an item and of everything that is connected to it. */
export function connectedIds({ links }: JourneyGraph, item: ActiveItem): Set<string> {
  const connected = item.link
    ? [item.link]
    : links.filter(({ from, to }) => from === item.node || to === item.node);
  const own = item.node ? [item.node.id] : [];
  return new Set([...own, ...connected.flatMap(({ id, from, to }) => [id, from.id, to.id])]);
}

/** Returns the id to which an arrow key moves: left and right along the links, up and down within a step. */
export function neighbourOf(
  { nodes, links }: JourneyGraph,
  item: ActiveItem,
  key: string,
): string | undefined {
  const { node, link } = item;
  if (key === 'ArrowRight') return link ? link.to.id : links.find(({ from }) => from === node)?.id;
  if (key === 'ArrowLeft') return link ? link.from.id : links.find(({ to }) => to === node)?.id;
  const offset = { ArrowUp: -1, ArrowDown: 1 }[key];
  if (offset === undefined) return undefined;
  const siblings: { id: string }[] = link
    ? links.filter(({ from }) => from === link.from)
    : nodes.filter(({ step }) => step === node.step);
  return siblings[siblings.findIndex(({ id }) => id === (link ?? node).id) + offset]?.id;
}
