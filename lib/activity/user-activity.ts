import type { Activity, Properties } from './activity.js';
import type { Session, SessionProperty } from './session.js';

/** An activity of a user, or several successive ones with the same name, path and subject. */
export interface FeedItem {
  name: string;
  path: string;
  route: string | null;
  /** Such as `order:17`. */
  subject: string | null;
  /** Those of the latest activity. */
  properties: Properties | null;
  /** When it was done for the last time. */
  date: Date;
  /** When the first of these activities was done. */
  since: Date;
  /** How many activities this item stands for. */
  count: number;
}

/** A browser in which a user was logged in. */
export interface UserSession extends Pick<Session, 'id' | 'userAgent' | SessionProperty> {
  /** The first and the last activity of the user in it. */
  firstSeen: Date;
  lastSeen: Date;
  /** Whether it is the session of the caller. */
  current: boolean;
}

/** A visit as statistics keep it; its paths are those of its activities. */
export interface PersonalVisit extends Record<SessionProperty, string | null> {
  id: string;
  sessionId: string | null;
  userId: string | null;
  startedAt: Date;
  endedAt: Date;
  /** Seconds. */
  duration: number;
  activities: number;
  views: number;
  bounced: boolean;
  referrer: string | null;
  utmSource: string | null;
  utmMedium: string | null;
  utmCampaign: string | null;
  utmTerm: string | null;
  utmContent: string | null;
}

/** A stored record about a user: an activity, a session or a visit. */
export type PersonalRecord =
  | { kind: 'activity'; data: Omit<Activity, 'session'> }
  | { kind: 'session'; data: Session }
  | { kind: 'visit'; data: PersonalVisit };

/** How many of the user's latest activities a feed reads. */
export const MAX_FEED = 1000;
/** How many sessions are returned, the latest first. */
export const MAX_SESSIONS = 100;

/** @param activities the latest first */
export function groupRepeats(activities: Activity[], limit: number): FeedItem[] {
  const items: FeedItem[] = [];
  for (const { name, path, route, subject, properties, date } of activities) {
    const last = items.at(-1);
    if (last?.name === name && last.path === path && last.subject === subject) {
      last.count += 1;
      last.since = date;
    } else {
      if (items.length === limit) break;
      items.push({ name, path, route, subject, properties, date, since: date, count: 1 });
    }
  }
  return items;
}
