import type { LiveVisitor, StatisticsFilter } from '../../../lib/index.js';
import { selectActivities } from './filter.js';
import type { History, HistoryActivity } from './history.js';
import { countDistinct } from './measures.js';

export interface LiveAnswer {
  sessions: number;
  users: number;
  activities: number;
  /** The latest first, whatever the limit is. */
  visitors: LiveVisitor[];
}

/** Who did something since an instant. */
export function live(history: History, filter: StatisticsFilter, since: number): LiveAnswer {
  const activities = selectActivities(history, filter).filter(({ time }) => time >= since);
  const latest = new Map<string, HistoryActivity>();
  for (const activity of activities) {
    const { sessionId, userId } = activity.stored;
    if (sessionId !== null) latest.set(`session ${sessionId}`, activity);
    else if (userId !== null) latest.set(`user ${userId}`, activity);
  }
  return {
    sessions: countDistinct(activities.map(({ stored }) => stored.sessionId)),
    users: countDistinct(activities.map(({ stored }) => stored.userId)),
    activities: activities.length,
    visitors: [...latest.values()].sort((a, b) => b.time - a.time).map(visitorOf),
  };
}

function visitorOf({ stored, page }: HistoryActivity): LiveVisitor {
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
    date: stored.date.toISOString(),
    path: page,
    name: stored.name,
    browser,
    system,
    device,
    country,
    language,
  };
}
