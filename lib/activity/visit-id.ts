/** A visit ends after this long at the latest, in milliseconds. */
export const LONGEST_VISIT = 24 * 60 * 60 * 1000;

/** How many characters of a visit's id are chance, 42 bits. */
export const CHANCE = 7;

/** An id that was made here, but for one that another program made of the same characters. */
const OWN = /^[\da-z]{8,9}[\w-]{7}$/;
/** No visit of ours began before this instant, in milliseconds since 1970. */
const FIRST_START = Date.UTC(2025, 0, 1);

/** When a visit began whose id was made here, in milliseconds since 1970: the id begins with it. */
export function startOfVisit(id: string): number {
  return parseInt(id.slice(0, -CHANCE), 36);
}

/** Whether a visit is over at a date, as far as its id says when it began. */
export function hasEnded(id: string, date: Date): boolean {
  const start = OWN.test(id) ? startOfVisit(id) : 0;
  return start >= FIRST_START && date.getTime() >= start + LONGEST_VISIT;
}
