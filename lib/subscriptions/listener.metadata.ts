import type { StoredActivity } from '../activity/activity.js';

export const LISTENS = Symbol('Djaffar listener');

/** What a method listens to. */
export type Listening =
  { event: 'activity'; matches: (activity: StoredActivity) => boolean } | { event: 'new-device' };
