import { createHash } from 'node:crypto';
import {
  RANDOM_LENGTH,
  ID_LENGTH,
  MAX_VISIT_DURATION,
  startOfVisit,
  VISIT_PAUSE,
} from '../activity/visit-id.js';
import type { KeyRing } from '../privacy/key-ring.js';
import { randomBytes } from '../activity/random.js';

/**
 * Milliseconds by which the clocks of two instances, or of one before and after it was set back, may differ. A visit that begins
 * later than this after now counts as over.
 */
export const CLOCK_TOLERANCE = 60 * 60 * 1000;

/** A session, and since when it is this browser's, in milliseconds since 1970. */
export interface BrowserSession {
  session: string;
  since: number;
}

/**
 * The content of the cookie: `session.visit.lastSeen.user.since`, each part only letters, digits, - and _, and a signature. If late
 * activities have moved the start of the visit back, `.startedAt` comes before the signature.
 */
export interface Visitor extends BrowserSession {
  visit: Visit;
}

export interface Visit {
  id: string;
  /** Milliseconds since 1970, as `lastSeen`. */
  startedAt: number;
  lastSeen: number;
  /** A digest of the user, empty for an anonymous visitor. */
  user: string;
}

/** The parts of an activity that decide to which visit it belongs. */
export interface Moment {
  date: number;
  path?: string;
  /** Only for `engagement`: the milliseconds before its date during which its page was in view. */
  inView?: number | undefined;
}

/** Precision (ms) of a visit's start if its id must be the same for a retried request, whose corrected clock varies. */
const START_STEP = 60 * 1000;

const COOKIE =
  /^([\w-]{15}|[\da-f]{64})\.([\da-z]{8,9}[\w-]{7})\.([\da-z]{1,9})\.([\w-]{8})?\.([\da-z]{1,9})(?:\.([\da-z]{1,9}))?$/;

/**
 * Reads the value of the cookie.
 * @param maxAge how long a session may be renewed, in milliseconds since it began
 * @returns `undefined` for a session that is too old, and for a cookie that {@link writeVisitor} did not write, so that
 * nobody can choose a session or a visit; without the visit if that is over
 */
export function readVisitor(
  cookie: string,
  now: number,
  keys: KeyRing,
  maxAge: number,
): (BrowserSession & { visit: Visit | undefined }) | undefined {
  const [, session, id, lastSeen, user = '', sessionStart, startedAt] =
    keys.unsign(cookie, now)?.match(COOKIE) ?? [];
  if (!session || !id || !lastSeen || !sessionStart) return undefined;
  const since = Math.min(parseInt(sessionStart, 36), now);
  if (now - since >= maxAge) return undefined;
  const start = startOfVisit(id);
  const latest = now + CLOCK_TOLERANCE;
  if (start > latest) return { session, since, visit: undefined };
  const visit = {
    id,
    startedAt: Math.min(startedAt === undefined ? start : parseInt(startedAt, 36), now),
    lastSeen: Math.min(parseInt(lastSeen, 36), latest),
    user,
  };
  return { session, since, visit };
}

export function writeVisitor({ session, since, visit }: Visitor, now: number, keys: KeyRing): string {
  const parts = [session, visit.id, visit.lastSeen.toString(36), visit.user, since.toString(36)];
  if (visit.startedAt < startOfVisit(visit.id)) parts.push(visit.startedAt.toString(36));
  return keys.sign(parts.join('.'), now);
}

/**
 * Returns the id of a new session.
 * @param idempotencySeed the same for a request that is sent again before its answer arrived, so that both begin the same session. It
 * must contain a secret; otherwise a stranger could choose the session by choosing the request.
 */
export function newSession(idempotencySeed?: string): string {
  return randomPart(idempotencySeed).slice(0, ID_LENGTH);
}

/** Returns the id under which a host's own session is stored: its SHA-256, with which nobody can log in. */
export function sessionOfHost(id: string): string {
  return createHash('sha256').update(id).digest('hex');
}

/**
 * Finds the visit of each activity by its date, so that activities that are sent late or out of order belong to the same
 * visits as if they had been sent at once. `engagement` belongs to the visit of its view, and begins no visit.
 * @param idempotencySeed see {@link newSession}; the same idempotencySeed begins the same visits
 * @returns the id of a visit, or `null`, for each moment; and the visitor's current visit, if there is one
 */
export function assignVisits(
  current: Visit | undefined,
  moments: Moment[],
  user: string | undefined,
  idempotencySeed?: string,
): { visits: (string | null)[]; latest: Visit | undefined } {
  const newVisit = (start: number): Visit =>
    visitFrom(start, idempotencySeed && `${idempotencySeed}\n${user ?? ''}`);
  const visits: (string | null)[] = [];
  /** The latest visit of each path in this request. */
  const visitAt = new Map<string | undefined, Visit>();
  let latest = current && continuesVisit(current, user) ? current : undefined;
  const start = latest ? startWith(latest, moments) : 0;
  // If an earlier activity is its new start, it also ends earlier.
  if (latest) latest = { ...latest, startedAt: start };
  /** A visit before the current one. */
  let earlier: Visit | undefined;
  const order = moments
    .map(({ date, path, inView }, index) => ({ date, path, inView, index }))
    .sort((a, b) => a.date - b.date);
  for (const { date, path, inView, index } of order) {
    if (inView !== undefined) {
      // The page may have been left by logging out.
      const left = latest ?? (user === undefined ? current : undefined);
      const isBefore = date <= start - VISIT_PAUSE;
      const inOther = visitAt.get(path) ?? (date < start ? earlier : undefined);
      const visit = inOther ?? (isBefore ? undefined : left);
      visits[index] = visit && date < visit.startedAt + MAX_VISIT_DURATION ? visit.id : null;
      // The page was in view without a pause that would have ended the visit.
      if (latest && latest.id === visits[index] && isIn(latest, date - inView)) latest = seenAt(latest, date);
      continue;
    }
    const isEarlier = date < start;
    const known = isEarlier ? earlier : latest;
    const visit = known && isIn(known, date) ? seenAt(known, date) : newVisit(date);
    if (isEarlier) earlier = visit;
    else latest = visit;
    visits[index] = visit.id;
    visitAt.set(path, visit);
  }
  if (!latest) return { visits, latest: current };
  return { visits, latest: { ...latest, user: user === undefined ? '' : hashUser(latest.id, user) } };
}

/** True if an activity of this date continues the visit: this decides when a visit ends. */
export function isIn({ startedAt, lastSeen }: Visit, date: number): boolean {
  return date < lastSeen + VISIT_PAUSE && date < startedAt + MAX_VISIT_DURATION;
}

function seenAt(visit: Visit, date: number): Visit {
  return { ...visit, lastSeen: Math.max(visit.lastSeen, date) };
}

/** Logging in continues the visit; logging out, or logging in as somebody else, does not. */
function continuesVisit(visit: Visit, user: string | undefined): boolean {
  return visit.user === '' || (user !== undefined && visit.user === hashUser(visit.id, user));
}

/** The id of a visit begins with its start, so that new ids are at the end of an index. */
function visitFrom(start: number, idempotencySeed: string | undefined): Visit {
  const rounded = idempotencySeed === undefined ? start : start - (start % START_STEP);
  const id =
    rounded.toString(36).padStart(ID_LENGTH - RANDOM_LENGTH, '0') +
    randomPart(idempotencySeed).slice(0, RANDOM_LENGTH);
  return { id, startedAt: start, lastSeen: start, user: '' };
}

/** Returns the start of a visit. Late activities move it back if each is within a pause of the next. */
function startWith(visit: Visit, moments: Moment[]): number {
  return moments
    .filter(({ date, inView }) => inView === undefined && date < visit.startedAt)
    .map(({ date }) => date)
    .sort((a, b) => b - a)
    .reduce(
      (start, date) =>
        date > start - VISIT_PAUSE && date > visit.lastSeen - MAX_VISIT_DURATION ? date : start,
      visit.startedAt,
    );
}

function hashUser(visit: string, user: string): string {
  return digest(`${visit}\n${user}`).slice(0, 8);
}

/** Returns the same text for the same idempotencySeed, and a random one without. */
function randomPart(idempotencySeed: string | undefined): string {
  return idempotencySeed === undefined ? randomBytes(12).toString('base64url') : digest(idempotencySeed);
}

function digest(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}
