import { type DataSource, type EntityManager, In, IsNull } from 'typeorm';
import { Activity } from '../../activity/activity.entity.js';
import { Session } from '../../activity/session.entity.js';
import { dialectOf } from '../../database/dialects/dialect.js';
import { DirtyRange } from '../../store/typeorm/statistics/rollup/tables/dirty-range.entity.js';
import { parseUserAgent } from '../../activity/user-agent.js';
import { uuidv7 } from '../../activity/random.js';
import type { SessionInfo } from './django.js';

/** How many sessions are looked at by one transaction. */
const AT_ONCE = 500;
const DAY = 86_400_000;

/** Gives sessions that were stored without a user agent the one that is told of them later. */
export class UserAgents {
  private infos = new Map<string, string>();
  /** How many were told of sessions that are not stored. */
  strangers = 0;

  constructor(private readonly dataSource: DataSource) {}

  async add({ session, userAgent }: SessionInfo): Promise<void> {
    if (!userAgent || this.infos.has(session)) return;
    this.infos.set(session, userAgent);
    if (this.infos.size >= AT_ONCE) await this.end();
  }

  async end(): Promise<void> {
    const infos = this.infos;
    this.infos = new Map();
    if (infos.size > 0) await this.dataSource.transaction((manager) => this.write(infos, manager));
  }

  private async write(infos: Map<string, string>, manager: EntityManager): Promise<void> {
    const stored = await manager.find(Session, {
      select: { id: true, userAgent: true },
      where: { id: In([...infos.keys()]) },
    });
    this.strangers += infos.size - stored.length;
    const sessions = new Map<string, string[]>();
    for (const { id, userAgent } of stored) {
      const told = infos.get(id);
      if (userAgent !== null || told === undefined) continue;
      sessions.set(told, [...(sessions.get(told) ?? []), id]);
    }
    for (const [userAgent, ids] of sessions) {
      const parsed = parseUserAgent(userAgent);
      await manager.update(Session, { id: In(ids), userAgent: IsNull() }, parsed);
      await markDirty(ids, manager);
    }
  }
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
