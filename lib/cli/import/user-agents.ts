import { type DataSource, type EntityManager, In, IsNull } from 'typeorm';
import { Activity } from '../../activity/activity.entity.js';
import { Session } from '../../activity/session.entity.js';
import { Stale } from '../../activity/stale.entity.js';
import { parseUserAgent } from '../../activity/user-agent.js';
import { uuidv7 } from '../../random.js';
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
      if (parsed.bot) await markStale(ids, manager);
    }
  }
}

/** Statistics leave bots out: the days of sessions that turn out to be bots are counted anew. */
async function markStale(sessions: string[], manager: EntityManager): Promise<void> {
  const days = await manager
    .createQueryBuilder(Activity, 'activity')
    .select(`DISTINCT activity.date - activity.date % ${DAY}`, 'day')
    .where('activity.sessionId IN (:...sessions)', { sessions })
    .getRawMany<{ day: string | number }>();
  const stale = days.map(({ day }) => ({
    id: uuidv7(),
    since: new Date(Number(day)),
    until: new Date(Number(day) + DAY),
    visitId: null,
  }));
  await manager.insert(Stale, stale);
}
