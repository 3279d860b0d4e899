import { uuidv7 } from '../../../../activity/random.js';
import type { Activity } from '../../../../activity/activity.js';
import type { DirtyRange } from './tables/dirty-range.entity.js';
import { DAY, MINUTE } from '../../../../statistics/time/time-range.js';
import { isNearStart } from '../../../../activity/visit-id.js';

type Changed = Pick<Activity, 'date' | 'visitId'>;

/** What a writer says of a range; the database adds its clock. */
export type NewDirtyRange = Omit<DirtyRange, 'createdAt'>;

/** The minutes in which activities are added. */
export function dirtyRangesForInsert(activities: Changed[]): NewDirtyRange[] {
  return dirtyRanges(activities, false);
}

/** The minutes in which activities are erased. */
export function dirtyRangesForDelete(activities: Changed[]): NewDirtyRange[] {
  return dirtyRanges(activities, true);
}

/** One row for each minute, because most activities of a transaction are of now. */
function dirtyRanges(activities: Changed[], erased: boolean): NewDirtyRange[] {
  const minutes = new Map<number, { visits: Set<string>; unbounded: boolean }>();
  for (const { date, visitId } of activities) {
    const minute = minuteOf(date);
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
 * What is left of ranges whose other visits and buckets are recomputed, one row for each minute.
 * @param large visits that are put off
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

/** All of a day, as at the first look at the activities or at a rebuild. */
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

/** The ids with commas between; an id may have any character, if the host or an import gave it. */
function encodeVisits(ids: Iterable<string>): string {
  return [...ids].map((id) => id.replaceAll('%', '%25').replaceAll(',', '%2C') || '%').join(',');
}

/** @returns the visits of the changed activities; `undefined` for all visits with activities in the range */
export function decodeVisits(visits: string | null): string[] | undefined {
  if (visits === null) return undefined;
  if (visits === '') return [];
  return visits.split(',').map((id) => (id === '%' ? '' : id.replaceAll('%2C', ',').replaceAll('%25', '%')));
}

function minuteOf(date: Date): number {
  const time = date.getTime();
  return time - (time % MINUTE);
}
