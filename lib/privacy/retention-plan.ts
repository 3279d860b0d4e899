import type { RetentionPolicy } from '../options/privacy.options.js';
import type { RetentionPlan } from '../store/erasure.types.js';
import { startOfDayBefore } from '../time/duration.js';

/** @param now milliseconds since 1970 */
export function planRetention(
  { keep, names = {}, anonymiseAfter, anonymiseProperties = [], figures = 'erase' }: RetentionPolicy,
  now: number,
): RetentionPlan {
  return {
    ...(keep !== undefined && { eraseBefore: startOfDayBefore(now, keep) }),
    figures,
    names: Object.entries(names).map(([name, duration]) => ({
      name,
      before: startOfDayBefore(now, duration),
    })),
    ...(anonymiseAfter !== undefined && { anonymiseBefore: startOfDayBefore(now, anonymiseAfter) }),
    properties: [...anonymiseProperties],
  };
}
