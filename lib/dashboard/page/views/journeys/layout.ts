import { sankey } from 'd3-sankey';
import { compare, type Place, type Way, type Ways } from './ways.js';

export interface Box {
  place: Place;
  x: number;
  y: number;
  height: number;
}

export interface Band {
  way: Way;
  /** Its outline: a line as wide would swell where it bends. */
  path: string;
  middle: { x: number; y: number };
}

export interface Layout {
  width: number;
  height: number;
  /** From a column to the next. */
  pitch: number;
  boxes: Box[];
  bands: Band[];
}

export const BOX_WIDTH = 12;
/** Above the columns, for their names. */
export const HEAD = 44;
const MIN_PITCH = 160;
const MIN_BAND = 0.75;
/** Right of the last column, for the names. */
const TAIL = 200;
/** Between boxes of a column: a line of text must fit. */
const GAP = 20;

/** Pages as boxes as high as their visits, ways as bands between them; as wide as there is room. */
export function layoutOf({ steps, places, ways }: Ways, room: number): Layout {
  const pitch = Math.max(MIN_PITCH, (room - TAIL) / Math.max(1, steps.length - 1));
  const max = Math.max(...steps.map((step) => places.filter((place) => place.step === step).length));
  const height = HEAD + Math.min(720, 200 + 40 * max);
  const [first = 0] = steps;
  const boxAt = (step: number): number => (step - first) * pitch;
  const graph = sankey<{ id: string; place: Place }, { way: Way }>()
    .nodeId(({ id }) => id)
    .nodeAlign(({ place }) => place.step - first)
    .nodeWidth(BOX_WIDTH)
    .nodePadding(GAP)
    .nodeSort((a, b) => compare(a.place, b.place))
    // In the order of the pages at their other end.
    .linkSort(({ way: a }, { way: b }) => compare(a.from, b.from) || compare(a.to, b.to))
    // Each column is spread over all of the height, so that the names have room.
    .iterations(0)
    .extent([
      [0, HEAD],
      [Math.max(1, (steps.length - 1) * pitch) + BOX_WIDTH, height - 4],
    ])({
    // Visits that go no further are part of a box, too.
    nodes: places.map((place) => ({ id: place.id, place, fixedValue: place.visits })),
    links: ways.map((way) => ({ way, source: way.from.id, target: way.to.id, value: way.visits })),
  });
  return {
    width: pitch * (steps.length - 1) + TAIL,
    height,
    pitch,
    // Across, the columns alone decide: a single one has no width that d3 could divide.
    boxes: graph.nodes.map(({ place, y0 = 0, y1 = 0 }) => ({
      place,
      x: boxAt(place.step),
      y: y0,
      height: Math.max(2, y1 - y0),
    })),
    bands: graph.links.map(({ way, y0 = 0, y1 = 0, width = 0 }) => {
      const [left, right] = [boxAt(way.from.step) + BOX_WIDTH, boxAt(way.to.step)];
      const x = (left + right) / 2;
      const half = Math.max(MIN_BAND, width) / 2;
      const [above, below] = [
        `${y0 - half} ${x} ${y1 - half} ${right} ${y1 - half}`,
        `${x} ${y0 + half} ${left} ${y0 + half}`,
      ];
      return {
        way,
        path: `M${left} ${y0 - half}C${x} ${above}V${y1 + half}C${x} ${y1 + half} ${below}z`,
        middle: { x, y: (y0 + y1) / 2 },
      };
    }),
  };
}
