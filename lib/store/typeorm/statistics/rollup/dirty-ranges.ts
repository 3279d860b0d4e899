import { uuidv7 } from '../../../../activity/random.js';
import type { Activity } from '../../../../activity/activity.js';
import type { DirtyRange } from './tables/dirty-range.entity.js';
import { DAY, MINUTE } from '../../../../time/units.js';
import { isNearStart } from '../../../../activity/visit-id.js';

type Changed = Pick<Activity, 'date' | 'visitId'>;

/** A row as a writer inserts it; the database adds its clock. */
export type NewDirtyRange = Omit<DirtyRange, 'createdAt'>;

/** The dirty ranges of added activities, one for each minute. */
export function dirtyRangesForInsert(activities: Changed[]): NewDirtyRange[] {
  return dirtyRanges(activities, false);
}

/** The dirty ranges of erased activities, one for each minute. */
export function dirtyRangesForDelete(activities: Changed[]): NewDirtyRange[] {
  return dirtyRanges(activities, true);
}

/** One row for each minute, because most activities of a transaction happened just now. */
function dirtyRanges(activities: Changed[], erased: boolean): NewDirtyRange[] {
  const minutes = new Map<number, { visits: Set<string>; unbounded: boolean }>();
  for (const { date, visitId } of activities) {
    const minute = floorToMinute(date);
    const found = minutes.get(minute) ?? { visits: new Set(), unbounded: false };
    minutes.set(minute, found);
    if (visitId === null) continue;
    found.visits.add(visitId);
    if (!isNearStart(visitId, date)) found.unbounded = true;
  }
  return [...minutes].map(([minute, { visits, unbounded }]) => ({
    id: uuidv7(),
    since: new Date(minute),
    until: new Date(minute + MINUTE),
    visits: encodeVisits(visits),
    erased,
    unbounded,
    deferred: false,
  }));
}

/**
 * The dirty ranges that remain after a step, one for each minute: only large visits are left to recompute.
 * @param large ids of the deferred visits
 */
export function deferredRanges(ranges: DirtyRange[], large: Set<string>): DirtyRange[] {
  const minutes = new Map<number, { range: DirtyRange; visits: Set<string> }>();
  for (const range of ranges) {
    const left = decodeVisits(range.visits)?.filter((id) => large.has(id)) ?? [];
    if (left.length === 0) continue;
    const found = minutes.get(+range.since);
    const { range: other, visits } = found ?? { range, visits: new Set() };
    for (const id of left) visits.add(id);
    const createdAt = new Date(Math.min(+range.createdAt, +other.createdAt));
    const unbounded = range.unbounded || other.unbounded;
    minutes.set(+range.since, { range: { ...range, createdAt, unbounded }, visits });
  }
  return [...minutes.values()].map(({ range, visits }) => ({
    ...range,
    id: uuidv7(),
    visits: encodeVisits(visits),
    deferred: true,
  }));
}

/** A dirty range for a whole day, as in the first computation or a rebuild. */
export function dirtyDay(day: number): NewDirtyRange {
  return {
    id: uuidv7(),
    since: new Date(day),
    until: new Date(day + DAY),
    visits: null,
    erased: true,
    unbounded: false,
    deferred: false,
  };
}

export function isDay({ visits, since, until }: DirtyRange): boolean {
  return visits === null && +until - +since >= DAY;
}

export function newestFirst(a: DirtyRange, b: DirtyRange): number {
  return +b.since - +a.since || +b.until - +a.until;
}

/** Encodes ids with commas between. Ids of the host or of an import may contain any character. */
function encodeVisits(ids: Iterable<string>): string {
  return [...ids].map((id) => id.replaceAll('%', '%25').replaceAll(',', '%2C') || '%').join(',');
}

/** Returns the visits of the changed activities; `undefined` means all visits with activities in the range. */
export function decodeVisits(visits: string | null): string[] | undefined {
  if (visits === null) return undefined;
  if (visits === '') return [];
  return visits.split(',').map((id) => (id === '%' ? '' : id.replaceAll('%2C', ',').replaceAll('%25', '%')));
}

function floorToMinute(date: Date): number {
  const time = date.getTime();
  return time - (time % MINUTE);
}
