import { uuidv7 } from '../random.js';
import type { StoredActivity } from './activity.writer.js';
import { MINUTE } from './dialects/dialect.js';
import type { Stale } from './stale.entity.js';

type Changed = Pick<StoredActivity, 'date' | 'visitId'>;

/** The minutes of activities that are added: one row for each, as most activities of a transaction are of now. */
export function staleBy(activities: Changed[]): Stale[] {
  const minutes = new Set(activities.map(({ date }) => minuteOf(date)));
  return [...minutes].map((minute) => stale(minute, null));
}

/** The same of activities that are taken away, with their visits. */
export function staleWithout(activities: Changed[]): Stale[] {
  const rows = new Map<string, Stale>();
  for (const { date, visitId } of activities) {
    const minute = minuteOf(date);
    rows.set(`${minute} ${visitId}`, stale(minute, visitId ?? ''));
  }
  return [...rows.values()];
}

function minuteOf(date: Date): number {
  const time = date.getTime();
  return time - (time % MINUTE);
}

function stale(minute: number, visitId: string | null): Stale {
  return { id: uuidv7(), since: new Date(minute), until: new Date(minute + MINUTE), visitId };
}
