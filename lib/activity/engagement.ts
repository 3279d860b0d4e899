import type { Properties } from './activity.js';
import { DAY } from '../time/units.js';

/** Sent by the tracker when a page is left, with the time in which it was visible. It starts no visit, and is no bounce. */
export const ENGAGEMENT = 'engagement';

/** If a visit has more activities, the time in view after the last one is not counted, on any database. */
export const MAX_TIMED_ACTIVITIES = 1000;

/** @returns the milliseconds before an `engagement` in which its page was in view, at most a day; 0 if it does not say */
export function timeInView(properties: Properties | null): number {
  const visible = properties?.visible;
  return typeof visible === 'number' && visible > 0 ? Math.min(visible, DAY) : 0;
}
