import type { StoredActivity } from '../activity/activity.js';

export const LISTENS = Symbol('Djaffar listener');

/** The activities to which a method listens. */
export type Listening =
  { event: 'activity'; matches: (activity: StoredActivity) => boolean } | { event: 'new-device' };
