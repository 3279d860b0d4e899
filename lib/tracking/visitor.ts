import { createHash } from 'node:crypto';
import { randomBytes } from '../random.js';

/** A visit ends when nothing was done for this long, in milliseconds. */
export const VISIT_PAUSE = 30 * 60 * 1000;

/** What a visitor's browser carries: `session.visit.lastSeen.user`, each part letters, digits, - and _ alone. */
export interface Visitor {
  session: string;
  visit: Visit;
}

export interface Visit {
  id: string;
  /** Milliseconds since 1970. */
  lastSeen: number;
  /** A digest of the user, empty for an anonymous visitor. */
  user: string;
}

/** The start of a visit that a request begins which may come again, in milliseconds: each time it is told a bit differently. */
const START_STEP = 60 * 1000;

/**
 * Characters of a session's id, 90 bits of chance; and of a visit's, until 2059. With its length such a text has 16 bytes,
 * and with one more PostgreSQL would take 24 in an index.
 */
const ID = 15;
/** How many of them are chance in a visit's id, 42 bits. */
const CHANCE = 7;

const COOKIE = /^([\w-]{15}|[\da-f]{64})\.([\da-z]{8,9}[\w-]{7})\.([\da-z]{1,9})\.([\w-]{8})?$/;

/** @returns `undefined` for what {@link writeVisitor} did not write */
export function readVisitor(cookie: string | undefined, now: number): Visitor | undefined {
  const [, session, id, lastSeen, user = ''] = COOKIE.exec(cookie ?? '') ?? [];
  if (!session || !id || !lastSeen) return undefined;
  return { session, visit: { id, lastSeen: Math.min(parseInt(lastSeen, 36), now), user } };
}

export function writeVisitor({ session, visit }: Visitor): string {
  return [session, visit.id, visit.lastSeen.toString(36), visit.user].join('.');
}

/**
 * @param seed of a request that may come again, or together with the next, before its answer is heard: it then begins the
 * same session
 */
export function newSession(seed?: string): string {
  return chanceOf(seed).slice(0, ID);
}

/** The id under which a host's own session is stored: a SHA-256, which logs nobody in. */
export function sessionOfHost(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}

/**
 * Tells the visit of each activity by its date, so that a queue sent late, or out of order, falls into visits as if
 * it had been sent at once.
 * @param current the visit that the visitor is in, if any
 * @param dates milliseconds since 1970, none in the future
 * @param user the user's id, `undefined` for nobody
 * @param seed as of {@link newSession}: the same visits are begun
 * @returns a visit's id for each date, and the visit that the visitor is in now
 */
export function visitsOf(
  current: Visit | undefined,
  dates: number[],
  user: string | undefined,
  seed?: string,
): { visits: string[]; latest: Visit } {
  const newVisit = (start: number): Visit => visitFrom(start, seed && `${seed}\n${user ?? ''}`);
  const visits: string[] = [];
  const order = dates.map((_, index) => index).sort((a, b) => (dates[a] ?? 0) - (dates[b] ?? 0));
  let latest = current && goesOn(current, user) ? current : undefined;
  const start = latest ? startWith(latest, dates) : 0;
  let earlier: Visit | undefined;
  for (const index of order) {
    const date = dates[index] ?? 0;
    if (date < start) {
      // It belongs to a visit before the one we know of.
      earlier =
        earlier && date < earlier.lastSeen + VISIT_PAUSE ? { ...earlier, lastSeen: date } : newVisit(date);
      visits[index] = earlier.id;
      continue;
    }
    if (!latest || date >= latest.lastSeen + VISIT_PAUSE) latest = newVisit(date);
    else if (date > latest.lastSeen) latest = { ...latest, lastSeen: date };
    visits[index] = latest.id;
  }
  latest ??= newVisit(Date.now());
  return { visits, latest: { ...latest, user: user === undefined ? '' : userOf(latest.id, user) } };
}

/** Logging in goes on with the visit; logging out, or in as somebody else, does not. */
function goesOn(visit: Visit, user: string | undefined): boolean {
  return visit.user === '' || (user !== undefined && visit.user === userOf(visit.id, user));
}

/** The id of a visit begins with its start, so that new ones are together at the end of an index. */
function visitFrom(start: number, seed: string | undefined): Visit {
  const told = seed === undefined ? start : start - (start % START_STEP);
  const id = told.toString(36).padStart(ID - CHANCE, '0') + chanceOf(seed).slice(0, CHANCE);
  return { id, lastSeen: start, user: '' };
}

/** When a visit began, now that late activities may tell of an earlier beginning, each within a pause of the next. */
function startWith(visit: Visit, dates: number[]): number {
  if (dates.every((date) => date >= visit.lastSeen)) return 0;
  const latestFirst = [...dates].sort((a, b) => b - a);
  return latestFirst.reduce(
    (start, date) => (date < start && date > start - VISIT_PAUSE ? date : start),
    startOf(visit),
  );
}

function startOf({ id }: Visit): number {
  return parseInt(id.slice(0, -CHANCE), 36);
}

function userOf(visit: string, user: string): string {
  return digest(`${visit}\n${user}`).slice(0, 8);
}

/** The same for the same seed. */
function chanceOf(seed: string | undefined): string {
  return seed === undefined ? randomBytes(12).toString('base64url') : digest(seed);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
