import { doingsOf, MAX_DOINGS } from './name-counts.js';
import type { Paths } from './path-dictionary.js';
import type { VisitRow } from './previous-visits.js';
import { sourceOf } from './visit-source.js';
import { stepOf, wayOf } from './path-sequence.js';
import { DAY } from '../../../../statistics/time/time-range.js';
import type { Trail } from './visit-paths.js';

/**
 * The first, the last, and the last identified activity of a visit: one row may be all of them. `engagement` is the first
 * or the last only if there is nothing else.
 */
export interface Edge {
  visitId: string;
  sessionId: string | null;
  userId: string | null;
  date: string | number;
  path: string;
  page: string;
  referer: string | null;
  activities: string | number;
  views: string | number;
  actions: string | number;
  startedAt: string | number;
  endedAt: string | number;
  sessions: string | number;
  firstSession: string | null;
  lastSession: string | null;
  bot: unknown;
  browser: string | null;
  system: string | null;
  device: string | null;
  fromStart: string | number;
  fromEnd: string | number;
  fromLatestUser: string | number;
}

/**
 * Milliseconds. The tracking route ends a visit by then; server code and imports may give activities of many years the same
 * visit, which then lasts no longer, and is counted activity by activity.
 */
const MAX_LENGTH = DAY;

/** A visit for each that has edges; the trails are by its id. */
export function visitsFrom(edges: Edge[], trails: Map<string, Trail>, paths: Paths): VisitRow[] {
  const ends = new Map<string, { first?: Edge; last?: Edge; identified?: Edge }>();
  for (const edge of edges) {
    const found = ends.get(edge.visitId) ?? {};
    if (Number(edge.fromStart) === 1) found.first = edge;
    if (Number(edge.fromEnd) === 1) found.last = edge;
    if (Number(edge.fromLatestUser) === 1) found.identified = edge;
    ends.set(edge.visitId, found);
  }
  return [...ends].flatMap(([id, { first, last, identified }]) =>
    first && last ? visitFrom(first, last, identified?.userId ?? null, trails.get(id), paths) : [],
  );
}

function visitFrom(
  first: Edge,
  last: Edge,
  userId: string | null,
  trail: Trail | undefined,
  paths: Paths,
): VisitRow {
  const { visitId: id, sessionId, browser, system, device } = first;
  return {
    id,
    sessionId,
    userId,
    startedAt: new Date(Number(first.startedAt)),
    endedAt: new Date(Number(first.endedAt)),
    duration: durationOf(first, last, trail),
    activities: Number(first.activities),
    views: Number(first.views),
    bounced: Number(first.actions) === 1,
    bot: Boolean(first.bot),
    mixed: isMixed(first) || Number(first.endedAt) - Number(first.startedAt) > MAX_LENGTH,
    browser,
    system,
    device,
    sessionBefore: null,
    userBefore: null,
    entry: paths.numberOf(first.page),
    exit: paths.numberOf(last.page),
    ...placesOf(trail, paths),
    ...sourceOf(first.path, first.referer),
  };
}

/** Whole seconds: what was done, and for how long the last page was in view after that. */
function durationOf(first: Edge, last: Edge, trail: Trail | undefined): number {
  const acted = Number(first.actions) > 0 ? Number(last.date) - Number(first.date) : 0;
  return Math.floor(Math.min(acted + (trail?.inView ?? 0), MAX_LENGTH) / 1000);
}

/** Some of a session and some of none are mixed too. */
function isMixed({ activities, sessions, firstSession, lastSession }: Edge): boolean {
  return firstSession !== lastSession || (Number(sessions) > 0 && Number(sessions) < Number(activities));
}

function placesOf(trail: Trail | undefined, paths: Paths): Pick<VisitRow, 'way' | 'beside' | 'doings'> {
  const doings = trail && doingsOf(trail.doings);
  if (!trail || (doings && doings.length > MAX_DOINGS)) return { way: null, beside: null, doings: null };
  const viewed = new Set(trail.views);
  const others = [...trail.others].filter((path) => !viewed.has(path));
  return {
    way: wayOf(trail.views.map((path) => paths.numberOf(path))),
    beside: others.map((path) => stepOf(paths.numberOf(path))).join('') || null,
    doings: doings ?? null,
  };
}
