import type { Activity, Funnel, FunnelOptions, FunnelStep } from '../../../lib/index.js';
import { type History, isDone } from './history.js';

export function funnel(history: History, steps: FunnelStep[], options: FunnelOptions): Omit<Funnel, 'asOf'> {
  const { within = Infinity } = options;
  const { activities } = history.of(options);
  const visitors = new Set(activities.map(visitorOf).filter((visitor) => visitor !== null));
  const reached = [...visitors].map((visitor) => {
    const own = activities.filter((activity) => visitorOf(activity) === visitor);
    return Math.max(...own.map((_, i) => stepsFrom(own.slice(i), steps, within)));
  });
  return {
    steps: steps.map((step, i) => ({
      step,
      visitors: reached.filter((count) => count > i).length,
      stopped: i === steps.length - 1 ? 0 : reached.filter((count) => count === i + 1).length,
    })),
  };
}

/** Returns how many steps were done, if the first step is the first activity. */
function stepsFrom(activities: Activity[], steps: FunnelStep[], within: number): number {
  const begin = activities[0]?.date.getTime() ?? 0;
  let done = 0;
  for (const activity of activities) {
    const step = steps[done];
    if (step && isDone(activity, step) && activity.date.getTime() - begin <= within) done += 1;
    if (done === 0) break;
  }
  return done;
}

/** A session and a user may have the same id. */
function visitorOf({ sessionId, userId }: Activity): string | null {
  if (sessionId !== null) return `session ${sessionId}`;
  return userId === null ? null : `user ${userId}`;
}
