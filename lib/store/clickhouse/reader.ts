import { ACTIVITY_COLUMNS } from '../../activity/activity-columns.js';
import type { Activity } from '../../activity/activity.js';
import type { ParsedFilter } from '../../activity/activity.filter.js';
import { type ActivityRow, toActivity } from '../../activity/activity-row.js';
import type { Cursor } from '../../activity/pagination.js';
import { ENGAGEMENT } from '../../activity/engagement.js';
import { copySessionProperties } from '../../activity/session.js';
import { MAX_FEED, MAX_SESSIONS, type UserSession } from '../../activity/user-activity.js';
import type { VisitSpan } from '../../activity/visit-id.js';
import { paginate } from '../paginate.js';
import type { PageRequest, Received } from '../store.js';
import { conditionAfter, buildConditions } from './filter.js';
import type { ReadLimits, Server, StatementLimits } from './server.js';
import type { Sessions } from './sessions.js';
import { all, ID_ORDER, integer, lists, text, texts } from './sql.js';
import { ACTIVITY } from './tables.js';

/** Activities in a page of an export. */
const PAGE_SIZE = 10_000;
/** The maximum number of received activities that are compared with the known ones. */
const MAX_RECEIVED = 2000;

/** The columns whose values differ from those of an activity. */
const CONVERTED = new Map([
  ['id', 'toString(id) AS id'],
  ['visitId', "nullIf(visitId, '') AS visitId"],
]);
const COLUMNS = ACTIVITY_COLUMNS.map((column) => CONVERTED.get(column) ?? column).join(', ');

type Stored = Omit<ActivityRow, 'session' | 'date'> & { date: number };

/** Finds single activities. A query is repeated if its result may contain a duplicate. */
export class Reader {
  constructor(
    private readonly server: Server,
    private readonly sessions: Sessions,
    private readonly removeDuplicates: () => Promise<number>,
  ) {}

  async page(filter: ParsedFilter, { limit, after, order }: PageRequest): Promise<Activity[]> {
    return this.ask(async (limits) => {
      const rows = await this.rows(buildConditions(filter), { limit, after, order }, limits);
      return this.withSessions(rows, this.sessions.cache(), limits);
    });
  }

  async *pages(filter: ParsedFilter, after?: Cursor): AsyncGenerator<ActivityRow[], void, void> {
    const sessions = this.sessions.cache();
    const pages = paginate(PAGE_SIZE, after, (place) =>
      this.ask(async (limits) => {
        const page = await this.rows(
          buildConditions(filter),
          { limit: PAGE_SIZE, after: place, order: 'asc' },
          limits,
        );
        const known = await sessions.of(
          page.map(({ sessionId }) => sessionId),
          limits,
        );
        const rows = page.map((row): ActivityRow & { date: number } => ({
          ...row,
          session: (row.sessionId !== null && known.get(row.sessionId)) || null,
        }));
        return { page: rows, count: rows.length, last: rows.at(-1) };
      }),
    );
    yield* pages;
  }

  /**
   * Streams the activities of a condition without their sessions, the oldest first.
   * @param size of a page
   */
  async *activitiesOf(condition: string, size: number): AsyncGenerator<Activity, void, void> {
    const pages = paginate(size, undefined, (after) =>
      this.ask(async (limits) => {
        const page = await this.rows([condition], { limit: size, after, order: 'asc' }, limits);
        return { page, count: page.length, last: page.at(-1) };
      }),
    );
    for await (const page of pages) for (const row of page) yield toActivity({ ...row, session: null });
  }

  async count(filter: ParsedFilter): Promise<number> {
    return this.ask(async (limits) => {
      const [row] = await this.server.query<{ count: number }>(
        `SELECT count() AS count FROM ${ACTIVITY} WHERE ${all(buildConditions(filter))}`,
        limits,
      );
      return row?.count ?? 0;
    });
  }

  async countStored(ids: string[]): Promise<number> {
    return this.ask(async (limits) => {
      let stored = 0;
      for (const some of lists(ids)) {
        const [row] = await this.server.query<{ count: number }>(
          `SELECT uniqExact(id) AS count FROM ${ACTIVITY} WHERE id IN ${texts(some)}`,
          limits,
        );
        stored += row?.count ?? 0;
      }
      return stored;
    });
  }

  async findCursor(id: string, filter: ParsedFilter): Promise<Cursor | undefined> {
    return this.ask(async (limits) => {
      const [row] = await this.server.query<{ date: number }>(
        `SELECT date FROM ${ACTIVITY} WHERE ${all([`id = ${text(id)}`, ...buildConditions(filter)])} LIMIT 1`,
        limits,
      );
      return row && { date: row.date, id };
    });
  }

  async findReceived(
    within: number,
    limit: number,
    known: ReadonlySet<string>,
    filter: ParsedFilter,
  ): Promise<Received> {
    const find = async (limits: StatementLimits): Promise<Received> => {
      const now = 'toUnixTimestamp64Milli(now64(3))';
      const found = await this.server.query<{ id: string }>(
        `SELECT toString(id) AS id FROM ${ACTIVITY}
        WHERE receivedAt > ${now} - ${integer(within)} AND receivedAt < ${now} + ${integer(within)}
          AND ${all(buildConditions(filter))}
        ORDER BY receivedAt DESC, ${ID_ORDER} DESC LIMIT ${MAX_RECEIVED}`,
        limits,
      );
      const ids = found.map(({ id }) => id);
      const unknown = ids.filter((id) => !known.has(id)).slice(0, limit);
      if (unknown.length === 0) return { ids, activities: [] };
      const rows = await this.server.query<Stored>(
        `SELECT ${COLUMNS} FROM ${ACTIVITY} WHERE id IN ${texts(unknown)} ORDER BY receivedAt, ${ID_ORDER}`,
        limits,
      );
      return { ids, activities: await this.withSessions(rows, this.sessions.cache(), limits) };
    };
    return this.ask(find, { symptom: 'new activities cannot be looked for' });
  }

  async findVisitSpans(ids: string[], limits: ReadLimits): Promise<VisitSpan[]> {
    return this.server.ask(async (statement) => {
      const spans: VisitSpan[] = [];
      for (const some of lists(ids))
        spans.push(
          ...(await this.server.query<VisitSpan>(
            `SELECT visitId AS id, min(date) AS first, max(date) AS last FROM ${ACTIVITY} WHERE visitId IN ${texts(some)} GROUP BY visitId`,
            statement,
          )),
        );
      return spans;
    }, limits);
  }

  async findSessionStarts(sessions: string[], filter: ParsedFilter): Promise<Map<string, Date>> {
    const starts = new Map<string, Date>();
    for (const some of lists(sessions))
      await this.server.ask(async (limits) => {
        const rows = await this.server.query<{ id: string; first: number }>(
          `SELECT assumeNotNull(sessionId) AS id, min(date) AS first FROM ${ACTIVITY}
          WHERE ${all([`sessionId IN ${texts(some)}`, ...buildConditions(filter)])} GROUP BY sessionId`,
          limits,
        );
        for (const { id, first } of rows) starts.set(id, new Date(first));
      });
    return starts;
  }

  async findLatestOfUser(user: string): Promise<Activity[]> {
    return this.ask(async (limits) => {
      const rows = await this.server.query<Stored>(
        `SELECT ${COLUMNS} FROM ${ACTIVITY} WHERE userId = ${text(user)} AND name != ${text(ENGAGEMENT)}
        ORDER BY ${orderBy('desc')} LIMIT ${MAX_FEED}`,
        limits,
      );
      return rows.map((row) => toActivity({ ...row, session: null }));
    });
  }

  async findLastSeenOfUsers(users: string[]): Promise<Map<string, Date>> {
    const seen = new Map<string, Date>();
    for (const some of lists(users))
      await this.server.ask(async (limits) => {
        const rows = await this.server.query<{ user: string; date: number }>(
          `SELECT assumeNotNull(userId) AS user, max(date) AS date FROM ${ACTIVITY} WHERE userId IN ${texts(some)} GROUP BY user`,
          limits,
        );
        for (const { user, date } of rows) seen.set(user, new Date(date));
      });
    return seen;
  }

  async findSessionsOfUser(user: string, current: string | undefined): Promise<UserSession[]> {
    return this.server.ask(async (limits) => {
      const rows = await this.server.query<{ id: string; first: number; last: number }>(
        `SELECT assumeNotNull(sessionId) AS id, min(date) AS first, max(date) AS last FROM ${ACTIVITY}
        WHERE userId = ${text(user)} AND sessionId IS NOT NULL GROUP BY sessionId ORDER BY last DESC, sessionId LIMIT ${MAX_SESSIONS}`,
        limits,
      );
      const known = await this.sessions.find(
        rows.map(({ id }) => id),
        limits,
      );
      return rows.map(({ id, first, last }) => {
        const session = known.get(id);
        const seen = { firstSeen: new Date(first), lastSeen: new Date(last) };
        return {
          id,
          userAgent: session?.userAgent ?? null,
          ...copySessionProperties(session),
          ...seen,
          current: id === current,
        };
      });
    });
  }

  isUserInOtherSession(user: string, session: string): Promise<boolean> {
    return this.server.ask(async (limits) => {
      const rows = await this.server.query<{ id: string }>(
        `SELECT id FROM ${ACTIVITY} WHERE userId = ${text(user)} AND sessionId != ${text(session)} LIMIT 1`,
        limits,
      );
      return rows.length > 0;
    });
  }

  private ask<T>(read: (limits: StatementLimits) => Promise<T>, limits?: ReadLimits): Promise<T> {
    return this.server.ask(async (statement) => {
      const answer = await read(statement);
      return (await this.removeDuplicates()) > 0 ? read(statement) : answer;
    }, limits);
  }

  private rows(
    conditions: string[],
    { limit, after, order }: PageRequest,
    limits: StatementLimits,
  ): Promise<Stored[]> {
    const inPage = after ? [...conditions, conditionAfter(after, order)] : conditions;
    return this.server.query<Stored>(
      `SELECT ${COLUMNS} FROM ${ACTIVITY} WHERE ${all(inPage)} ORDER BY ${orderBy(order)} LIMIT ${limit}`,
      limits,
    );
  }

  private async withSessions(
    rows: Stored[],
    sessions: ReturnType<Sessions['cache']>,
    limits: StatementLimits,
  ): Promise<Activity[]> {
    const known = await sessions.of(
      rows.map(({ sessionId }) => sessionId),
      limits,
    );
    return rows.map((row) =>
      toActivity({ ...row, session: (row.sessionId !== null && known.get(row.sessionId)) || null }),
    );
  }
}

/** The first part of the table's key: with it first, ClickHouse reads in order, and no further than to the limit. */
const HOUR = 'intDiv(date, 3600000)';

function orderBy(direction: 'asc' | 'desc'): string {
  return [HOUR, 'date', ID_ORDER].map((column) => `${column} ${direction}`).join(', ');
}
