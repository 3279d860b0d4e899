import type { StoredActivity } from './activity.js';

/** Moves the time of receipt to the engine's clock, which all instances have in common. */
export function receivedLater<T extends StoredActivity>(activities: T[], milliseconds: number): T[] {
  if (milliseconds === 0) return activities;
  return activities.map((activity) => ({
    ...activity,
    receivedAt: new Date(activity.receivedAt.getTime() + milliseconds),
  }));
}
