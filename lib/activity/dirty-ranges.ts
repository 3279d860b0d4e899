import { uuidv7 } from '../random.js';
import type { Activity } from './activity.entity.js';
import type { DirtyRange } from './dirty-range.entity.js';
import { MINUTE } from './dialects/dialect.js';
import { isNearStart } from './visit-id.js';

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
    visits: [...visits].join(','),
    erased,
    unbounded,
  }));
}

function minuteOf(date: Date): number {
  const time = date.getTime();
  return time - (time % MINUTE);
}
