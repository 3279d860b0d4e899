import { createHash } from 'node:crypto';
import type { Batch } from '../store/batch.js';
import type { ActivityOnPage, StoredActivity } from './activity.js';
import type { PageResolver } from './page.js';
import type { Session } from './session.js';

export function toBatch(activities: ActivityOnPage[], sessions: Session[]): Batch {
  const token = (): string => {
    const hash = createHash('sha256');
    for (const { id } of activities) hash.update(id);
    return hash.digest('hex');
  };
  return { activities, sessions, token };
}

/** Returns each id once, with its page. */
export function toRows(given: StoredActivity[], pages: PageResolver): ActivityOnPage[] {
  const activities = new Map<string, ActivityOnPage>();
  for (const activity of given)
    if (!activities.has(activity.id))
      activities.set(activity.id, Object.assign(activity, { page: pages.find(activity.path) }));
  return [...activities.values()];
}
