import type { Live, LiveOptions, LiveVisitor } from '../../../lib/index.js';
import { isoOf } from './calendar.js';
import { selectActivities } from './filter.js';
import type { History, HistoryActivity } from './history.js';
import { countDistinct } from './measures.js';

const MINUTE = 60_000;

/** Who did something in the minutes before an instant, or since. */
export function live(
  history: History,
  { minutes = 5, ...question }: LiveOptions,
  now: number,
): Omit<Live, 'asOf'> {
  const since = now - minutes * MINUTE;
  const activities = selectActivities(history, question).filter(({ time }) => time >= since);
  const latest = new Map<string, HistoryActivity>();
  for (const activity of activities) {
    const { sessionId, userId } = activity.stored;
    // A session and a user with the same id are two visitors.
    if (sessionId !== null) latest.set(`session ${sessionId}`, activity);
    else if (userId !== null) latest.set(`user ${userId}`, activity);
  }
  return {
    since: isoOf(since, question.timeZone),
    sessions: countDistinct(activities.map(({ stored }) => stored.sessionId)),
    users: countDistinct(activities.map(({ stored }) => stored.userId)),
    activities: activities.length,
    visitors: [...latest.values()]
      .sort((a, b) => activities.indexOf(b) - activities.indexOf(a))
      .slice(0, 100)
      .map((activity) => visitorOf(activity, question.timeZone)),
  };
}

function visitorOf({ stored, page, time }: HistoryActivity, timeZone?: string): LiveVisitor {
  const {
    browser = null,
    system = null,
    device = null,
    country = null,
    language = null,
  } = stored.session ?? {};
  return {
    session: stored.sessionId,
    user: stored.userId,
    userName: stored.userName,
    date: isoOf(time, timeZone),
    path: page,
    name: stored.name,
    browser,
    system,
    device,
    country,
    language,
  };
}
