import type { Place, Way, Ways } from './ways.js';

/** A page, or a way between two. */
export type Thing = { place: Place; way?: never } | { way: Way; place?: never };

export function thingOf({ places, ways }: Ways, id: string | undefined): Thing | undefined {
  const place = places.find((each) => each.id === id);
  if (place) return { place };
  const way = ways.find((each) => each.id === id);
  return way && { way };
}

/** Of all that a page or a way is joined to, with itself. */
export function joinedTo({ ways }: Ways, thing: Thing): Set<string> {
  const joined = thing.way
    ? [thing.way]
    : ways.filter(({ from, to }) => from === thing.place || to === thing.place);
  const own = thing.place ? [thing.place.id] : [];
  return new Set([...own, ...joined.flatMap(({ id, from, to }) => [id, from.id, to.id])]);
}

/** Where an arrow key leads: along the ways to the sides, up and down to what is beside. */
export function neighbourOf({ places, ways }: Ways, thing: Thing, key: string): string | undefined {
  const { place, way } = thing;
  if (key === 'ArrowRight') return way ? way.to.id : ways.find(({ from }) => from === place)?.id;
  if (key === 'ArrowLeft') return way ? way.from.id : ways.find(({ to }) => to === place)?.id;
  const turn = { ArrowUp: -1, ArrowDown: 1 }[key];
  if (turn === undefined) return undefined;
  const beside: { id: string }[] = way
    ? ways.filter(({ from }) => from === way.from)
    : places.filter(({ step }) => step === place.step);
  return beside[beside.findIndex(({ id }) => id === (way ?? place).id) + turn]?.id;
}
