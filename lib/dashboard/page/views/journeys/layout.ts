import { sankey } from 'd3-sankey';
import { compare, type JourneyNode, type JourneyLink, type JourneyGraph } from './journey-graph.js';

export interface Box {
  node: JourneyNode;
  x: number;
  y: number;
  height: number;
}

export interface Band {
  link: JourneyLink;
  /** SVG path of the outline: a stroke of that width would be wider in curves. */
  path: string;
  middle: { x: number; y: number };
}

export interface Layout {
  width: number;
  height: number;
  /** Pixels from one column to the next. */
  pitch: number;
  boxes: Box[];
  bands: Band[];
}

export const BOX_WIDTH = 12;
/** Pixels above the columns, for their names. */
export const HEAD = 44;
const MIN_PITCH = 160;
const MIN_BAND = 0.75;
/** Pixels right of the last column, for the names. */
const TAIL = 200;
/** Pixels between the boxes of a column: enough for a line of text. */
const GAP = 20;

/** Computes boxes that are as high as their visits, and bands between them; `room` is the available width in pixels. */
export function layoutOf({ steps, nodes, links }: JourneyGraph, room: number): Layout {
  const pitch = Math.max(MIN_PITCH, (room - TAIL) / Math.max(1, steps.length - 1));
  const max = Math.max(...steps.map((step) => nodes.filter((node) => node.step === step).length));
  const height = HEAD + Math.min(720, 200 + 40 * max);
  const [first = 0] = steps;
  const boxAt = (step: number): number => (step - first) * pitch;
  const graph = sankey<{ id: string; node: JourneyNode }, { link: JourneyLink }>()
    .nodeId(({ id }) => id)
    .nodeAlign(({ node }) => node.step - first)
    .nodeWidth(BOX_WIDTH)
    .nodePadding(GAP)
    .nodeSort((a, b) => compare(a.node, b.node))
    // In the order of the pages that they connect.
    .linkSort(({ link: a }, { link: b }) => compare(a.from, b.from) || compare(a.to, b.to))
    // Spreads each column over the whole height, so that the names have room.
    .iterations(0)
    .extent([
      [0, HEAD],
      [Math.max(1, (steps.length - 1) * pitch) + BOX_WIDTH, height - 4],
    ])({
    // The height of a box includes visits that end there.
    nodes: nodes.map((node) => ({ id: node.id, node, fixedValue: node.visits })),
    links: links.map((link) => ({ link, source: link.from.id, target: link.to.id, value: link.visits })),
  });
  return {
    width: pitch * (steps.length - 1) + TAIL,
    height,
    pitch,
    // d3 cannot compute x for a single column.
    boxes: graph.nodes.map(({ node, y0 = 0, y1 = 0 }) => ({
      node,
      x: boxAt(node.step),
      y: y0,
      height: Math.max(2, y1 - y0),
    })),
    bands: graph.links.map(({ link, y0 = 0, y1 = 0, width = 0 }) => {
      const [left, right] = [boxAt(link.from.step) + BOX_WIDTH, boxAt(link.to.step)];
      const x = (left + right) / 2;
      const half = Math.max(MIN_BAND, width) / 2;
      const [above, below] = [
        `${y0 - half} ${x} ${y1 - half} ${right} ${y1 - half}`,
        `${x} ${y0 + half} ${left} ${y0 + half}`,
      ];
      return {
        link,
        path: `M${left} ${y0 - half}C${x} ${above}V${y1 + half}C${x} ${y1 + half} ${below}z`,
        middle: { x, y: (y0 + y1) / 2 },
      };
    }),
  };
}
