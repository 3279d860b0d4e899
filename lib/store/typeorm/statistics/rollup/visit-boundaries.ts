import { encodeNameCounts, MAX_NAME_COUNTS } from './name-counts.js';
import type { PathDictionary } from './path-dictionary.js';
import type { VisitRow } from './previous-visits.js';
import { copySessionProperties, type SessionProperty } from '../../../../activity/session.js';
import { parseVisitSource } from '../../../../statistics/visit-source.js';
import { encodePathId, encodePathIds } from './path-sequence.js';
import { DAY } from '../../../../time/units.js';
import type { VisitPaths } from './visit-paths.js';

/**
 * The first, the last, and the last identified activity of a visit: one row may be all of them. `engagement` is the first
 * or the last only if there is nothing else.
 */
export interface VisitBoundaryRow extends Record<SessionProperty, string | null> {
  visitId: string;
  sessionId: string | null;
  userId: string | null;
  date: string | number;
  path: string;
  page: string;
  referer: string | null;
  activities: string | number;
  views: string | number;
  /** Activities without `engagement`. */
  actions: string | number;
  /** The interactive ones among them. */
  interactions: string | number;
  startedAt: string | number;
  endedAt: string | number;
  sessions: string | number;
  firstSession: string | null;
  lastSession: string | null;
  bot: unknown;
  fromStart: string | number;
  fromEnd: string | number;
  fromLatestUser: string | number;
}

/**
 * Milliseconds. A visit is longer only if SQL, an older version, or two instances within a minute stored it, or if activities were
 * added before the start that its id contains. Its duration is cut to this, and its activities are counted individually.
 */
const MAX_LENGTH = DAY;

/** Has the ids of the paths. */
type PathIds = Pick<PathDictionary, 'getId'>;

/** @param visitPaths by visit id */
export function buildVisits(
  boundaries: VisitBoundaryRow[],
  visitPaths: Map<string, VisitPaths>,
  paths: PathIds,
): VisitRow[] {
  const ends = new Map<
    string,
    { first?: VisitBoundaryRow; last?: VisitBoundaryRow; identified?: VisitBoundaryRow }
  >();
  for (const boundary of boundaries) {
    const found = ends.get(boundary.visitId) ?? {};
    if (Number(boundary.fromStart) === 1) found.first = boundary;
    if (Number(boundary.fromEnd) === 1) found.last = boundary;
    if (Number(boundary.fromLatestUser) === 1) found.identified = boundary;
    ends.set(boundary.visitId, found);
  }
  return [...ends].flatMap(([id, { first, last, identified }]) =>
    first && last ? buildVisit(first, last, identified?.userId ?? null, visitPaths.get(id), paths) : [],
  );
}

function buildVisit(
  first: VisitBoundaryRow,
  last: VisitBoundaryRow,
  userId: string | null,
  visited: VisitPaths | undefined,
  paths: PathIds,
): VisitRow {
  const { visitId: id, sessionId } = first;
  return {
    id,
    sessionId,
    userId,
    startedAt: new Date(Number(first.startedAt)),
    endedAt: new Date(Number(first.endedAt)),
    duration: computeDuration(first, last, visited),
    activities: Number(first.activities),
    views: Number(first.views),
    bounced: Number(first.interactions) === 1,
    bot: Boolean(first.bot),
    mixed: isMixed(first) || Number(first.endedAt) - Number(first.startedAt) > MAX_LENGTH,
    ...copySessionProperties(first),
    previousSessionVisitAt: null,
    previousUserVisitAt: null,
    entry: paths.getId(first.page),
    exit: paths.getId(last.page),
    ...encodePaths(visited, paths),
    ...parseVisitSource(first.path, first.referer),
  };
}

/** Returns whole seconds: from the first to the last activity, and for how long the last page was in view after that. */
function computeDuration(
  first: VisitBoundaryRow,
  last: VisitBoundaryRow,
  visited: VisitPaths | undefined,
): number {
  const acted = Number(first.actions) > 0 ? Number(last.date) - Number(first.date) : 0;
  return Math.floor(Math.min(acted + (visited?.inView ?? 0), MAX_LENGTH) / 1000);
}

/** A visit is also mixed if only some of its activities have a session. */
function isMixed({ activities, sessions, firstSession, lastSession }: VisitBoundaryRow): boolean {
  return firstSession !== lastSession || (Number(sessions) > 0 && Number(sessions) < Number(activities));
}

function encodePaths(
  visited: VisitPaths | undefined,
  paths: PathIds,
): Pick<VisitRow, 'pathSequence' | 'otherPaths' | 'nameCounts'> {
  const nameCounts = visited && encodeNameCounts(visited.nameCounts);
  if (!visited || (nameCounts && nameCounts.length > MAX_NAME_COUNTS))
    return { pathSequence: null, otherPaths: null, nameCounts: null };
  const viewed = new Set(visited.views);
  const others = [...visited.others].filter((path) => !viewed.has(path));
  return {
    pathSequence: encodePathIds(visited.views.map((path) => paths.getId(path))),
    otherPaths: others.map((path) => encodePathId(paths.getId(path))).join('') || null,
    nameCounts: nameCounts ?? null,
  };
}
