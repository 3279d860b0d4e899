import { DAY } from '../time/units.js';

/** A visit ends after this long at the latest, in milliseconds. */
export const MAX_VISIT_DURATION = DAY;

/** A visit ends when nothing was done for this long, in milliseconds. */
export const VISIT_PAUSE = 30 * 60 * 1000;

/**
 * Characters of the id of a session (90 random bits) and, until 2059, of a visit. PostgreSQL stores such a text in 16 bytes, including
 * its length; with one more character it would take 24 in an index.
 */
export const ID_LENGTH = 15;

/** The number of random characters in a visit's id: 42 bits. */
export const RANDOM_LENGTH = 7;

/** Matches ids made by Djaffar, and those of other programs that look the same. */
const OWN = /^[\da-z]{8,9}[\w-]{7}$/;
/** No visit of ours began before this instant, in milliseconds since 1970. */
const FIRST_START = Date.UTC(2025, 0, 1);

/** Returns the start of a visit in milliseconds since 1970, from an id made by Djaffar, which begins with it. */
export function startOfVisit(id: string): number {
  return parseInt(id.slice(0, -RANDOM_LENGTH), 36);
}

/** Like {@link startOfVisit}; `undefined` if the id does not look like one made by Djaffar. */
export function parseStartOfVisit(id: string): number | undefined {
  return OWN.test(id) ? startOfVisit(id) : undefined;
}

/** True if the id contains a start less than 24 hours before or after the date. */
export function isNearStart(id: string, date: Date): boolean {
  const start = parseStartOfVisit(id) ?? 0;
  return start >= FIRST_START && Math.abs(date.getTime() - start) < MAX_VISIT_DURATION;
}

/** The first and the last activity of a visit, in milliseconds since 1970. */
export interface VisitSpan {
  id: string;
  first: number;
  last: number;
}

/** Characters of the id of a session, and of that of a visit. */
export const MAX_SESSION = 64;
export const MAX_VISIT = 16;

/** Whether a value can be the id of a session or visit. */
export function isVisitorId(value: unknown, max: number): value is string {
  return typeof value === 'string' && /^[\w-]+$/.test(value) && value.length <= max;
}
