import { LRUCache } from 'lru-cache';
import { type Moment, type Visit, assignVisits } from '../../tracking/visitor.js';

/** Sessions whose latest visits are kept in memory. It does not limit the size of an import. */
const MAX_SESSIONS = 100_000;

/** Finds the visits of rows without one, in the order of the file: by 30 minutes of inactivity, 24 hours, and logins. */
export class ImportedVisits {
  private readonly sessions = new LRUCache<string, { startedAt: number; visit: Visit | undefined }>({
    max: MAX_SESSIONS,
  });

  /** Returns the date of the session's first activity in the files, in milliseconds since 1970. */
  findStart(session: string, date: number): number {
    const known = this.sessions.get(session);
    if (!known) this.sessions.set(session, { startedAt: date, visit: undefined });
    return known?.startedAt ?? date;
  }

  /** Returns the id of the visit; `null` for an `engagement` without one. */
  assignVisit(session: string, moment: Moment, user: string | null): string | null {
    const known = this.sessions.get(session);
    const { visits, latest } = assignVisits(known?.visit, [moment], user ?? undefined, session);
    this.sessions.set(session, { startedAt: known?.startedAt ?? moment.date, visit: latest });
    return visits[0] ?? null;
  }
}
