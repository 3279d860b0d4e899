import type { DataSource } from 'typeorm';
import { chunks } from '../database/chunks.js';
import { askOnPrimary } from '../database/primary.js';
import { Activity, type Properties } from './activity.entity.js';
import { ENGAGEMENT } from './engagement.js';
import { Session } from './session.entity.js';

/** What a user did, once or several times in a row. */
export interface FeedItem {
  name: string;
  path: string;
  route: string | null;
  /** Such as `order:17`. */
  subject: string | null;
  /** Of the latest time. */
  properties: Properties | null;
  /** When it was done for the last time. */
  date: Date;
  /** When it was done for the first time in this row. */
  since: Date;
  /** How often it was done in a row. */
  count: number;
}

/** A browser in which a user was logged in. */
export interface UserSession extends Pick<Session, 'id' | 'userAgent' | 'browser' | 'system' | 'device'> {
  /** The first and the last activity of the user in it. */
  firstSeen: Date;
  lastSeen: Date;
  /** Whether it is the session that asks. */
  current: boolean;
}

/** How many of the user's latest activities a feed looks at. */
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

export function latestOf(dataSource: DataSource, user: string): Promise<Activity[]> {
  return askOnPrimary(dataSource, (manager) =>
    manager
      .createQueryBuilder(Activity, 'activity')
      .where('activity.userId = :user', { user })
      .andWhere('activity.name <> :engagement', { engagement: ENGAGEMENT })
      .orderBy('activity.date', 'DESC')
      .addOrderBy('activity.id', 'DESC')
      .limit(MAX_FEED)
      .getMany(),
  );
}

export async function lastSeenOf(dataSource: DataSource, users: string[]): Promise<Map<string, Date>> {
  const seen = new Map<string, Date>();
  for (const some of chunks([...new Set(users)])) {
    const rows = await askOnPrimary(dataSource, (manager) =>
      manager
        .createQueryBuilder(Activity, 'activity')
        .select('activity.userId', 'user')
        .addSelect('MAX(activity.date)', 'date')
        .where('activity.userId IN (:...some)', { some })
        .groupBy('activity.userId')
        .getRawMany<{ user: string; date: string | number }>(),
    );
    for (const { user, date } of rows) seen.set(user, new Date(Number(date)));
  }
  return seen;
}

export async function sessionsOf(
  dataSource: DataSource,
  user: string,
  current: string | undefined,
): Promise<UserSession[]> {
  const rows = await askOnPrimary(dataSource, (manager) =>
    manager
      .createQueryBuilder(Activity, 'activity')
      .select('activity.sessionId', 'id')
      .addSelect('MIN(activity.date)', 'first')
      .addSelect('MAX(activity.date)', 'last')
      .where('activity.userId = :user', { user })
      .andWhere('activity.sessionId IS NOT NULL')
      .groupBy('activity.sessionId')
      .orderBy('MAX(activity.date)', 'DESC')
      .limit(MAX_SESSIONS)
      .getRawMany<{ id: string; first: string | number; last: string | number }>(),
  );
  if (rows.length === 0) return [];
  const sessions = await askOnPrimary(dataSource, (manager) =>
    manager
      .createQueryBuilder(Session, 'session')
      .where('session.id IN (:...ids)', { ids: rows.map(({ id }) => id) })
      .getMany(),
  );
  const known = new Map(sessions.map((session) => [session.id, session]));
  return rows.map(({ id, first, last }) => {
    const { userAgent = null, browser = null, system = null, device = null } = known.get(id) ?? {};
    return {
      id,
      userAgent,
      browser,
      system,
      device,
      firstSeen: new Date(Number(first)),
      lastSeen: new Date(Number(last)),
      current: id === current,
    };
  });
}
