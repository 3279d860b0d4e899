import type { DataSource } from 'typeorm';
import { Activity } from '../../../activity/activity.js';
import { ENGAGEMENT } from '../../../activity/engagement.js';
import { copySessionProperties, Session } from '../../../activity/session.js';
import { MAX_FEED, MAX_SESSIONS, type UserSession } from '../../../activity/user-activity.js';
import { chunks } from '../../../database/chunks.js';
import { queryPrimary } from '../../../database/primary.js';

export function findLatestActivities(dataSource: DataSource, user: string): Promise<Activity[]> {
  return queryPrimary(dataSource, (manager) =>
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

export async function findLastSeenOfUsers(
  dataSource: DataSource,
  users: string[],
): Promise<Map<string, Date>> {
  const seen = new Map<string, Date>();
  for (const some of chunks([...new Set(users)])) {
    const rows = await queryPrimary(dataSource, (manager) =>
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

export async function findUserSessions(
  dataSource: DataSource,
  user: string,
  current: string | undefined,
): Promise<UserSession[]> {
  const rows = await queryPrimary(dataSource, (manager) =>
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
  const sessions = await queryPrimary(dataSource, (manager) =>
    manager
      .createQueryBuilder(Session, 'session')
      .where('session.id IN (:...ids)', { ids: rows.map(({ id }) => id) })
      .getMany(),
  );
  const known = new Map(sessions.map((session) => [session.id, session]));
  return rows.map(({ id, first, last }) => {
    const session = known.get(id);
    return {
      id,
      userAgent: session?.userAgent ?? null,
      ...copySessionProperties(session),
      firstSeen: new Date(Number(first)),
      lastSeen: new Date(Number(last)),
      current: id === current,
    };
  });
}

/** See `Store.isUserInOtherSession`. Without an order, so that the first row that the index finds is enough. */
export function isUserInOtherSession(
  dataSource: DataSource,
  user: string,
  session: string,
): Promise<boolean> {
  return queryPrimary(dataSource, async (manager) => {
    const found = await manager
      .createQueryBuilder(Activity, 'activity')
      .select('activity.id', 'id')
      .where('activity.userId = :user AND activity.sessionId <> :session', { user, session })
      .limit(1)
      .getRawOne<{ id: string }>();
    return found !== undefined;
  });
}
