import { setImmediate } from 'node:timers/promises';
import type { DataSource, EntityTarget, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { Activity } from './activity.entity.js';
import { type ActivityFilter, applyAfter, applyFilter, placeOf } from './activity.filter.js';
import type { Cursor } from './cursor.js';
import { type Dialect, dialectOf, type Records } from './dialects/dialect.js';
import { Session } from './session.entity.js';

/** How many at a time. */
const ROWS = 2000;
const RECORDS = 4000;

/** An activity as the driver gives it, the properties as JSON, and its session, which it has in common with others. */
export interface ActivityRow extends Omit<Activity, 'date' | 'receivedAt' | 'properties'> {
  /** Milliseconds since 1970. */
  date: string | number;
  receivedAt: string | number;
  properties: string | null;
}

/** The columns of a record. */
export const COLUMNS = [
  'id',
  'date',
  'receivedAt',
  'name',
  'path',
  'referer',
  'properties',
  'userId',
  'userName',
  'sessionId',
  'visitId',
  'ipAddress',
] as const;

/** What a session is added to. */
export type WithSession = Pick<ActivityRow, 'sessionId' | 'session'>;

interface Asked<T> {
  page: T;
  count: number;
  last?: Pick<ActivityRow, 'id' | 'date'> | undefined;
}

type SessionRow = Omit<Session, 'startedAt' | 'bot'> & { startedAt: string | number; bot: unknown };

/**
 * Reads many activities: page by page by their place in the order, the next page while one is used. TypeORM's own
 * objects take five times as long to make, most of it for the session that activities have in common.
 */
export class ActivityReader {
  /** Of the latest page, where most of the next page's are: what is kept for longer costs more than to look it up again. */
  private sessions = new Map<string, Session>();

  constructor(private readonly dataSource: DataSource) {}

  private get dialect(): Dialect {
    return dialectOf(this.dataSource);
  }

  /** The oldest first, with their sessions. */
  async *rows(filter: ActivityFilter, after?: Cursor): AsyncGenerator<ActivityRow[], void, void> {
    const pages = this.walk<ActivityRow[]>(ROWS, after, async (place) => {
      // A place for it: to make one in each row takes as long as to read a column.
      const query = this.query(filter, place).limit(ROWS).addSelect('NULL', 'session');
      const page = await this.dialect.rows<ActivityRow>(this.dataSource, query);
      return { page, count: page.length, last: page.at(-1) };
    });
    for await (const page of pages) {
      await this.addSessions(page);
      yield page;
    }
  }

  /** The same as records of {@link COLUMNS}, without sessions, where the database can give such. */
  records(filter: ActivityFilter, after?: Cursor): AsyncGenerator<Records, void, void> | undefined {
    const { records } = this.dialect;
    return (
      records &&
      this.walk<Records>(RECORDS, after, async (place) => {
        const page = await records(this.dataSource, this.query(filter, place).limit(RECORDS), COLUMNS);
        return { page, count: page.count, last: page };
      })
    );
  }

  /** Page by page, the next while one is used. */
  private async *walk<T>(
    size: number,
    after: Cursor | undefined,
    ask: (after: Cursor | undefined) => Promise<Asked<T>>,
  ): AsyncGenerator<T, void, void> {
    let coming: Promise<Asked<T>> | undefined = ask(after);
    try {
      while (coming) {
        const { page, count, last }: Asked<T> = await coming;
        coming = last && count === size ? ask({ date: Number(last.date), id: last.id }) : undefined;
        // It fails where it is waited for.
        coming?.catch(() => {});
        // Until it is on its way: who uses the page may leave no time for that.
        await setImmediate();
        if (count > 0) yield page;
      }
    } finally {
      // Where nobody wants more, the connection is in use until then.
      await coming?.catch(() => {});
    }
  }

  private query(filter: ActivityFilter, after: Cursor | undefined): SelectQueryBuilder<Activity> {
    const query = this.raw(Activity, 'activity');
    // What is after a place is not before the first.
    applyFilter(query, after ? { ...filter, from: undefined } : filter, this.dialect);
    if (after) applyAfter(query, after, 'ASC', this.dialect);
    for (const column of placeOf(this.dialect)) query.addOrderBy(column, 'ASC');
    return query;
  }

  /** Which of the rows have in common with each other, and with those of the page before. */
  async addSessions(rows: WithSession[]): Promise<void> {
    const sessions = new Map<string, Session>();
    const missing = new Set<string>();
    for (const { sessionId } of rows) {
      if (sessionId === null || sessions.has(sessionId)) continue;
      const session = this.sessions.get(sessionId);
      if (session) sessions.set(sessionId, session);
      else missing.add(sessionId);
    }
    for (const session of await this.find([...missing])) sessions.set(session.id, session);
    for (const row of rows) row.session = (row.sessionId !== null && sessions.get(row.sessionId)) || null;
    this.sessions = sessions;
  }

  private async find(ids: string[]): Promise<Session[]> {
    if (ids.length === 0) return [];
    const query = this.raw(Session, 'session').where('session.id IN (:...ids)', { ids });
    const rows = await this.dialect.rows<SessionRow>(this.dataSource, query);
    return rows.map(sessionOf);
  }

  /** Rows as the driver gives them. */
  private raw<T extends ObjectLiteral>(entity: EntityTarget<T>, alias: string): SelectQueryBuilder<T> {
    const query = this.dataSource.createQueryBuilder(entity, alias).select([]);
    for (const { propertyName } of this.dataSource.getMetadata(entity).columns)
      query.addSelect(`${alias}.${propertyName}`, propertyName);
    return query;
  }
}

// One by one: to assign them all together takes four times as long, and V8 takes objects in between for long-lived.

function sessionOf(row: SessionRow): Session {
  const session = new Session();
  session.id = row.id;
  session.userAgent = row.userAgent;
  session.startedAt = new Date(Number(row.startedAt));
  session.browser = row.browser;
  session.system = row.system;
  session.device = row.device;
  session.bot = Boolean(row.bot);
  return session;
}

export function activityOf(row: ActivityRow): Activity {
  const activity = new Activity();
  activity.id = row.id;
  activity.date = new Date(Number(row.date));
  activity.receivedAt = new Date(Number(row.receivedAt));
  activity.name = row.name;
  activity.path = row.path;
  activity.referer = row.referer;
  activity.properties = row.properties === null ? null : JSON.parse(row.properties);
  activity.userId = row.userId;
  activity.userName = row.userName;
  activity.sessionId = row.sessionId;
  activity.visitId = row.visitId;
  activity.ipAddress = row.ipAddress;
  activity.session = row.session;
  return activity;
}
