import { SESSION_COLUMNS } from '../../activity/activity-columns.js';
import { Session, type NewSession } from '../../activity/session.js';
import { parseUserAgent } from '../../activity/user-agent.js';
import { PageCache } from '../page-cache.js';
import { eraseReservedVisits } from './cookieless.js';
import type { DirtyVisits } from './dirty-visits.js';
import type { Server, StatementLimits } from './server.js';
import { lists, text, texts } from './sql.js';
import { ACTIVITY, SESSION } from './tables.js';

/** More than any date in milliseconds. */
const EPOCH_END = 2 ** 50;

interface Row extends Omit<Session, 'startedAt'> {
  startedAt: number;
}

/** If a session has several rows, the one with the greatest version is used. */
function toRow({ startedAt, ...session }: Session): object {
  const version = (session.userAgent === null ? 0 : EPOCH_END) + EPOCH_END - startedAt.getTime();
  return { ...session, startedAt: startedAt.getTime(), version };
}

function toSession(row: Row): Session {
  return Object.assign(new Session(), row, { startedAt: new Date(row.startedAt) });
}

/** The table of sessions. */
export class Sessions {
  constructor(
    private readonly server: Server,
    private readonly dirtyVisits: DirtyVisits,
  ) {}

  async insert(sessions: Session[], limits?: StatementLimits): Promise<void> {
    await this.server.insert(SESSION, sessions.map(toRow), limits);
  }

  async find(ids: Iterable<string>, limits?: StatementLimits): Promise<Map<string, Session>> {
    const found = new Map<string, Session>();
    for (const some of lists([...new Set(ids)])) {
      const rows = await this.server.query<Row>(
        `SELECT ${SESSION_COLUMNS.join(', ')} FROM ${SESSION} FINAL WHERE id IN ${texts(some)}`,
        limits,
      );
      for (const row of rows) found.set(row.id, toSession(row));
    }
    return found;
  }

  /** Returns the sessions of the activities that match a condition, in the order of their ids. */
  async findOfActivities(
    condition: string,
    { after, limit }: { after: string; limit: number },
    limits?: StatementLimits,
  ): Promise<Session[]> {
    const ids = `SELECT sessionId FROM ${ACTIVITY} WHERE sessionId IS NOT NULL AND (${condition})`;
    const rows = await this.server.query<Row>(
      `SELECT ${SESSION_COLUMNS.join(', ')} FROM ${SESSION} FINAL WHERE id > ${text(after)} AND id IN (${ids})
      ORDER BY id LIMIT ${limit}`,
      limits,
    );
    return rows.map(toSession);
  }

  /** Returns a cache for reading many activities page by page. */
  cache(): { of(ids: Iterable<string | null>, limits?: StatementLimits): Promise<Map<string, Session>> } {
    const latest = new PageCache<Session>();
    return { of: (ids, limits) => latest.of(ids, (missing) => this.find(missing, limits)) };
  }

  /**
   * Restores sessions that an erasure has deleted although they have activities.
   * @returns how many
   */
  async restore(sessions: NewSession[], limits?: StatementLimits): Promise<number> {
    let restored = 0;
    for (const some of lists(sessions)) {
      const stored = await this.find(
        some.map(({ id }) => id),
        limits,
      );
      const missing = some.filter(({ id }) => !stored.has(id));
      const active = await this.withActivities(missing, limits);
      const lost = missing.filter(({ id }) => active.has(id));
      if (lost.length === 0) continue;
      await this.insert(
        lost.map((session) => session.row()),
        limits,
      );
      // An erasure may have deleted these activities before the sessions were stored, so it could not delete the sessions.
      const left = await this.withActivities(lost, limits);
      const orphans = lost.filter(({ id }) => !left.has(id)).map(({ id }) => id);
      if (orphans.length > 0) await this.delete(orphans, limits);
      await this.dirtyVisits.rebuildAround(
        (change) => this.dirtyVisits.mark(change, ofSessions(left), limits),
        async () => {},
        limits,
      );
      restored += left.size;
    }
    return restored;
  }

  /**
   * Stores the user agents of sessions without one.
   * @returns how many of the sessions are not stored
   */
  async addUserAgents(userAgents: Map<string, string>): Promise<number> {
    const stored = await this.find(userAgents.keys());
    const changed = [...stored.values()]
      .filter(({ userAgent }) => userAgent === null)
      .map((session) => Object.assign(new Session(), session, parseUserAgent(userAgents.get(session.id))));
    if (changed.length > 0) {
      await this.insert(changed);
      const ids = changed.map(({ id }) => id);
      await this.dirtyVisits.rebuildAround(async (change) => {
        for (const some of lists(ids)) await this.dirtyVisits.mark(change, ofSessions(some));
      });
    }
    return userAgents.size - stored.size;
  }

  /** Deletes the sessions without activities, and their latest cookieless visits. */
  async deleteUnused(ids: Iterable<string>): Promise<void> {
    for (const some of lists([...new Set(ids)])) {
      const used = await this.withActivities(some.map((id) => ({ id })));
      const unused = some.filter((id) => !used.has(id));
      await eraseReservedVisits(this.server, unused);
      const stored = await this.find(unused);
      if (stored.size > 0) await this.delete([...stored.keys()]);
    }
  }

  private async delete(ids: string[], limits?: StatementLimits): Promise<void> {
    await this.server.command(`DELETE FROM ${SESSION} WHERE id IN ${texts(ids)}`, limits);
  }

  private async withActivities(sessions: { id: string }[], limits?: StatementLimits): Promise<Set<string>> {
    if (sessions.length === 0) return new Set();
    const ids = texts(sessions.map(({ id }) => id));
    const rows = await this.server.query<{ id: string }>(
      `SELECT DISTINCT assumeNotNull(sessionId) AS id FROM ${ACTIVITY} WHERE sessionId IN ${ids}`,
      limits,
    );
    return new Set(rows.map(({ id }) => id));
  }
}

function ofSessions(ids: Iterable<string>): string {
  return `sessionId IN ${texts(ids)}`;
}
