import { type EntityManager, In, IsNull } from 'typeorm';
import { Activity } from '../../activity/activity.js';
import { uuidv7 } from '../../activity/random.js';
import { Session } from '../../activity/session.js';
import { parseUserAgent } from '../../activity/user-agent.js';
import { dialectOf } from '../../database/dialects/dialect.js';
import { DAY } from '../../time/units.js';
import { DirtyRange } from './statistics/rollup/tables/dirty-range.entity.js';

/**
 * Gives stored sessions that have none a user agent.
 * @param userAgents by the id of the session
 * @returns how many of the sessions are not stored
 */
export async function addUserAgents(
  manager: EntityManager,
  userAgents: Map<string, string>,
): Promise<number> {
  const stored = await manager.find(Session, {
    select: { id: true, userAgent: true },
    where: { id: In([...userAgents.keys()]) },
  });
  const sessions = new Map<string, string[]>();
  for (const { id, userAgent } of stored) {
    const given = userAgents.get(id);
    if (userAgent !== null || given === undefined) continue;
    sessions.set(given, [...(sessions.get(given) ?? []), id]);
  }
  for (const [userAgent, ids] of sessions) {
    await manager.update(Session, { id: In(ids), userAgent: IsNull() }, parseUserAgent(userAgent));
    await markDirty(ids, manager);
  }
  return userAgents.size - stored.length;
}

/** Visits have the browser of their session, and bots are not counted: the days of the sessions have to be recomputed. */
async function markDirty(sessions: string[], manager: EntityManager): Promise<void> {
  const days = await manager
    .createQueryBuilder(Activity, 'activity')
    .select(`DISTINCT activity.date - activity.date % ${DAY}`, 'day')
    .where('activity.sessionId IN (:...sessions)', { sessions })
    .getRawMany<{ day: string | number }>();
  const { now } = dialectOf(manager.connection);
  const ranges = days.map(({ day }) => ({
    id: uuidv7(),
    createdAt: () => now,
    since: new Date(Number(day)),
    until: new Date(Number(day) + DAY),
    visits: null,
    erased: false,
    unbounded: false,
    deferred: false,
  }));
  await manager.createQueryBuilder().insert().into(DirtyRange).values(ranges).updateEntity(false).execute();
}
