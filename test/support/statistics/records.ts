import type {
  Activity,
  Live,
  LiveOptions,
  LiveVisitor,
  VisitRecord,
  VisitsOptions,
} from '../../../lib/index.js';
import { Clock } from './clock.js';
import { during, type History } from './history.js';
import { byText, countDistinct } from './order.js';
import { pageOf } from './pages.js';

/** Returns the visits of all pages together. */
export function visits(history: History, options: VisitsOptions): VisitRecord[] {
  const clock = new Clock(options.timeZone);
  const ascending = history
    .of(options)
    .visits.sort((a, b) => a.startedAt - b.startedAt || byText(a.id, b.id))
    .map(({ sessionId: _sessionId, startedAt, endedAt, activities, ...facts }) => ({
      ...facts,
      startedAt: clock.iso(startedAt),
      endedAt: clock.iso(endedAt),
      count: activities.length,
      activities: activities
        .slice(0, 500)
        .map(({ id, name, path, referer, subject, userId, userName, date, properties }) => ({
          id,
          name,
          path,
          referer,
          subject,
          userId,
          userName,
          date: clock.iso(date.getTime()),
          properties,
        })),
    }));
  return options.order === 'asc' ? ascending : ascending.toReversed();
}

export function live(history: History, options: LiveOptions, now: number): Omit<Live, 'asOf'> {
  const clock = new Clock(options.timeZone);
  const since = now - (options.minutes ?? 5) * 60_000;
  const { activities } = during({ from: since, to: Infinity }, history.that(options));
  const latest = new Map<string, Activity>();
  for (const activity of activities) {
    const { sessionId, userId } = activity;
    // A session and a user may have the same id.
    if (sessionId !== null) latest.set(`session ${sessionId}`, activity);
    else if (userId !== null) latest.set(`user ${userId}`, activity);
  }
  return {
    since: clock.iso(since),
    sessions: countDistinct(activities.map(({ sessionId }) => sessionId)),
    users: countDistinct(activities.map(({ userId }) => userId)),
    activities: activities.length,
    visitors: activities
      .filter((activity) => [...latest.values()].includes(activity))
      .toReversed()
      .slice(0, 100)
      .map((activity) => visitorOf(activity, clock)),
  };
}

function visitorOf(activity: Activity, clock: Clock): LiveVisitor {
  const { session, sessionId, userId, userName, date, path, name } = activity;
  return {
    session: sessionId,
    user: userId,
    userName,
    browser: session?.browser ?? null,
    system: session?.system ?? null,
    device: session?.device ?? null,
    country: session?.country ?? null,
    language: session?.language ?? null,
    date: clock.iso(date.getTime()),
    path: pageOf(path),
    name,
  };
}
