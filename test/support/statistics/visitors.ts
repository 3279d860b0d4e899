import type { FunnelStep, Period, Question, RetentionOptions } from '../../../lib/index.js';
import { intervalsOf, isIn, rangeOf, startOf } from './calendar.js';
import { matchesActivity, selectActivities, selectVisits } from './filter.js';
import type { History, HistoryActivity, Visit } from './history.js';

/** How many visitors did each step. */
export function funnel(
  history: History,
  steps: readonly FunnelStep[],
  { within = Infinity, ...question }: Question & { within?: number | undefined },
): number[] {
  const range = rangeOf(question);
  const visitors = new Map<string, HistoryActivity[]>();
  for (const activity of selectActivities(history, question)) {
    const { sessionId, userId } = activity.stored;
    if (!isIn(activity.time, range) || (sessionId === null && userId === null)) continue;
    // A session and a user with the same id are two visitors.
    const visitor = sessionId === null ? `user ${userId}` : `session ${sessionId}`;
    visitors.set(visitor, [...(visitors.get(visitor) ?? []), activity]);
  }
  const reached = steps.map(() => 0);
  for (const activities of visitors.values()) {
    const furthest = Math.max(...activities.map((_, i) => stepsFrom(activities.slice(i), steps, within)));
    for (let step = 0; step < furthest; step++) reached[step]!++;
  }
  return reached;
}

/** How many steps were done, if the first activity is the first step. */
function stepsFrom(
  activities: readonly HistoryActivity[],
  steps: readonly FunnelStep[],
  within: number,
): number {
  let done = 0;
  for (const activity of activities) {
    const step = steps[done];
    if (!step || activity.time > activities[0]!.time + within) break;
    if (matchesActivity(activity, step)) done++;
    if (done === 0) break;
  }
  return done;
}

export interface Cohort {
  start: number;
  size: number;
  returned: number[];
}

export function retention(
  history: History,
  { period = 'week', by = 'user', ...question }: RetentionOptions,
): Cohort[] {
  const { timeZone = 'UTC' } = question;
  const range = rangeOf(question);
  const periods = intervalsOf(period, range, timeZone).map(({ start }) => start);
  const visitors = new Map<string, Visit[]>();
  for (const visit of selectVisits(history, question)) {
    const id = by === 'user' ? visit.user : visit.sessionId;
    if (id !== null) visitors.set(id, [...(visitors.get(id) ?? []), visit]);
  }
  return periods.map((start, cohort) => {
    const members = [...visitors.values()].filter((visits) => {
      const first = Math.min(...visits.map((visit) => visit.start));
      return isIn(first, range) && periodOf(first, period, timeZone) === start;
    });
    const returned = periods
      .slice(cohort)
      .map(
        (later) =>
          members.filter((visits) =>
            visits.some(
              (visit) => isIn(visit.start, range) && periodOf(visit.start, period, timeZone) === later,
            ),
          ).length,
      );
    return { start, size: members.length, returned };
  });
}

function periodOf(time: number, period: Period, timeZone: string): number {
  return startOf(period, time, timeZone);
}
