import { Activity, type ActivityOnPage } from '../activity/activity.js';
import { type ParsedFilter, splitByUser } from '../activity/activity.filter.js';
import type { ActivityRow } from '../activity/activity-row.js';
import type { Cursor } from '../activity/pagination.js';
import { ENGAGEMENT } from '../activity/engagement.js';
import { copySessionProperties, type Session } from '../activity/session.js';
import { MAX_FEED, MAX_SESSIONS, type PersonalRecord, type UserSession } from '../activity/user-activity.js';
import type { VisitSpan } from '../activity/visit-id.js';
import { matchesFilter } from '../activity/matches.js';
import type { PageRequest, Received } from '../store/store.js';
import type { ErasureSelection } from '../store/erasure.types.js';

/** The place of an activity in the order by date, then id. */
const inOrder = (a: Cursor, b: Cursor): number => a.date - b.date || (a.id < b.id ? -1 : Number(a.id > b.id));
const toCursor = ({ date, id }: ActivityOnPage): Cursor => ({ date: date.getTime(), id });

/** Activities and sessions in memory, and the answers about them that a store gives. */
export abstract class MemoryActivities {
  protected readonly activities = new Map<string, ActivityOnPage>();
  protected readonly sessions = new Map<string, Session>();

  /** In the order in which they were stored. */
  list(filter: ParsedFilter): Activity[] {
    return this.select(filter).map((activity) => this.toActivity(activity));
  }

  async page(filter: ParsedFilter, { limit, after, order }: PageRequest): Promise<Activity[]> {
    const sorted = this.sort(filter, order).filter((activity) => {
      const place = after ? inOrder(toCursor(activity), after) : 0;
      return !after || (order === 'asc' ? place > 0 : place < 0);
    });
    return sorted.slice(0, limit).map((activity) => this.toActivity(activity));
  }

  async *pages(filter: ParsedFilter, after?: Cursor): AsyncGenerator<ActivityRow[], void, void> {
    const found = await this.page(filter, { limit: Infinity, after, order: 'asc' });
    if (found.length > 0)
      yield found.map((activity) => ({
        ...activity,
        date: activity.date.getTime(),
        receivedAt: activity.receivedAt.getTime(),
        properties: activity.properties && JSON.stringify(activity.properties),
      }));
  }

  async count(filter: ParsedFilter): Promise<number> {
    return this.select(filter).length;
  }

  async countToErase(selection: ErasureSelection): Promise<number> {
    return this.selectToErase(selection).length;
  }

  async *personalData(selection: ErasureSelection): AsyncGenerator<PersonalRecord, void, void> {
    const found = this.selectToErase(selection);
    for (const id of new Set(found.map(({ sessionId }) => sessionId))) {
      const session = id === null ? undefined : this.sessions.get(id);
      if (session) yield { kind: 'session', data: session };
    }
    for (const activity of found) {
      const { session: _, ...data } = this.toActivity(activity);
      yield { kind: 'activity', data };
    }
  }

  async countStored(ids: string[]): Promise<number> {
    return ids.filter((id) => this.activities.has(id)).length;
  }

  async findCursor(id: string, filter: ParsedFilter): Promise<Cursor | undefined> {
    const activity = this.activities.get(id);
    return activity && matchesFilter(filter, activity) ? toCursor(activity) : undefined;
  }

  async findReceived(
    within: number,
    limit: number,
    known: ReadonlySet<string>,
    filter: ParsedFilter,
  ): Promise<Received> {
    const since = Date.now() - within;
    const found = this.list(filter).filter(({ receivedAt }) => receivedAt.getTime() >= since);
    return {
      ids: found.map(({ id }) => id),
      activities: found.filter(({ id }) => !known.has(id)).slice(-limit),
    };
  }

  async findVisitSpans(ids: string[]): Promise<VisitSpan[]> {
    return ids.flatMap((id) => {
      const dates = this.select({ visit: id }).map(({ date }) => date.getTime());
      return dates.length > 0 ? [{ id, first: Math.min(...dates), last: Math.max(...dates) }] : [];
    });
  }

  async findSessionStarts(sessions: string[], filter: ParsedFilter): Promise<Map<string, Date>> {
    const starts = new Map<string, Date>();
    for (const { sessionId, date } of this.sort(filter, 'desc'))
      if (sessionId !== null && sessions.includes(sessionId)) starts.set(sessionId, date);
    return starts;
  }

  async findLatestOfUser(user: string): Promise<Activity[]> {
    const found = this.sort({ user }, 'desc').filter(({ name }) => name !== ENGAGEMENT);
    return found.slice(0, MAX_FEED).map((activity) => this.toActivity(activity));
  }

  async findLastSeenOfUsers(users: string[]): Promise<Map<string, Date>> {
    const seen = new Map<string, Date>();
    for (const { userId, date } of this.sort({}, 'asc'))
      if (userId !== null && users.includes(userId)) seen.set(userId, date);
    return seen;
  }

  async findSessionsOfUser(user: string, current: string | undefined): Promise<UserSession[]> {
    const found = new Map<string, UserSession>();
    for (const { sessionId: id, date } of this.sort({ user }, 'desc')) {
      if (id === null) continue;
      const session = this.sessions.get(id);
      const lastSeen = found.get(id)?.lastSeen ?? date;
      const isCurrent = id === current;
      found.set(id, {
        id,
        userAgent: session?.userAgent ?? null,
        ...copySessionProperties(session),
        firstSeen: date,
        lastSeen,
        current: isCurrent,
      });
    }
    return [...found.values()].slice(0, MAX_SESSIONS);
  }

  async isUserInOtherSession(user: string, session: string): Promise<boolean> {
    return this.select({ user }).some(({ sessionId }) => sessionId !== null && sessionId !== session);
  }

  private select(filter: ParsedFilter): ActivityOnPage[] {
    return [...this.activities.values()].filter((activity) => matchesFilter(filter, activity));
  }

  protected sort(filter: ParsedFilter, order: 'asc' | 'desc'): ActivityOnPage[] {
    const sorted = this.select(filter).toSorted((a, b) => inOrder(toCursor(a), toCursor(b)));
    return order === 'asc' ? sorted : sorted.toReversed();
  }

  /** Includes the activities before the login in visits of the filter's user. */
  protected selectToErase({ filter, keepAnonymous }: ErasureSelection): ActivityOnPage[] {
    const split = keepAnonymous ? undefined : splitByUser(filter);
    const visits = new Set(split && this.select(split.ofUser).map(({ visitId }) => visitId));
    visits.delete(null);
    return this.sort({}, 'asc').filter(
      (activity) =>
        matchesFilter(filter, activity) ||
        (split &&
          activity.userId === null &&
          visits.has(activity.visitId) &&
          matchesFilter(split.others, activity)),
    );
  }

  private toActivity(activity: ActivityOnPage): Activity {
    const { page: _, ...stored } = activity;
    const session = stored.sessionId === null ? undefined : this.sessions.get(stored.sessionId);
    return Object.assign(new Activity(), structuredClone(stored), { session: session ?? null });
  }
}
