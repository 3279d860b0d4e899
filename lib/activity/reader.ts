import { LRUCache } from 'lru-cache';
import type { DataSource, EntityTarget, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { Activity } from './activity.entity.js';
import { type ActivityFilter, applyAfter, applyFilter, placeOf } from './activity.filter.js';
import type { Cursor } from './cursor.js';
import { dialectOf } from './dialects/dialect.js';
import { instant } from './instant.js';
import { Session } from './session.entity.js';

const PAGE = 2000;
/** So many are remembered, here and by who writes them. */
export const MAX_SESSIONS = 2000;

/** An activity as the driver gives it, the properties as JSON, and its session, which it has in common with others. */
export interface ActivityRow extends Omit<Activity, 'date' | 'receivedAt' | 'properties'> {
  /** Milliseconds since 1970. */
  date: string | number;
  receivedAt: string | number;
  properties: string | null;
}

type SessionRow = Omit<Session, 'startedAt' | 'bot'> & { startedAt: string | number; bot: unknown };

/**
 * Reads many activities: page by page by their place in the order, the next page while one is used. TypeORM's own
 * objects take five times as long to make, most of it for the session that activities have in common.
 */
export class ActivityReader {
  private readonly sessions = new LRUCache<string, Session>({ max: MAX_SESSIONS });

  constructor(private readonly dataSource: DataSource) {}

  /** The oldest first. */
  async *pages(filter: ActivityFilter, after?: Cursor): AsyncGenerator<ActivityRow[], void, void> {
    let coming: Promise<ActivityRow[]> | undefined = this.page(filter, after);
    try {
      while (coming) {
        const page: ActivityRow[] = await coming;
        const last = page.length < PAGE ? undefined : page.at(-1);
        coming = last && this.page(filter, { date: Number(last.date), id: last.id });
        // It fails where it is waited for.
        coming?.catch(() => {});
        await this.addSessions(page);
        if (page.length > 0) yield page;
      }
    } finally {
      // Where nobody wants more, the connection is in use until then.
      await coming?.catch(() => {});
    }
  }

  private page(filter: ActivityFilter, after: Cursor | undefined): Promise<ActivityRow[]> {
    const dialect = dialectOf(this.dataSource);
    // A place for it: to make one in each row takes as long as to read a column.
    const query = this.raw(Activity, 'activity').addSelect('NULL', 'session');
    // What is after a place is not before the first.
    applyFilter(query, after ? { ...filter, from: undefined } : filter, dialect);
    if (after) applyAfter(query, after, 'ASC', dialect);
    for (const column of placeOf(dialect)) query.addOrderBy(column, 'ASC');
    return query.limit(PAGE).getRawMany<ActivityRow>();
  }

  private async addSessions(rows: ActivityRow[]): Promise<void> {
    // Those of the page are held here: to learn some may push others out of what is kept.
    const sessions = new Map<string, Session | undefined>();
    for (const { sessionId } of rows)
      if (sessionId !== null && !sessions.has(sessionId))
        sessions.set(sessionId, this.sessions.get(sessionId));
    const missing = [...sessions.keys()].filter((id) => !sessions.get(id));
    for (const session of await this.find(missing)) {
      sessions.set(session.id, session);
      this.sessions.set(session.id, session);
    }
    for (const row of rows) row.session = (row.sessionId !== null && sessions.get(row.sessionId)) || null;
  }

  private async find(ids: string[]): Promise<Session[]> {
    if (ids.length === 0) return [];
    const rows = await this.raw(Session, 'session')
      .where('session.id IN (:...ids)', { ids })
      .getRawMany<SessionRow>();
    return rows.map(({ startedAt, bot, ...texts }) =>
      Object.assign(new Session(), { ...texts, startedAt: instant.from(startedAt), bot: Boolean(bot) }),
    );
  }

  /** Rows as the driver gives them. */
  private raw<T extends ObjectLiteral>(entity: EntityTarget<T>, alias: string): SelectQueryBuilder<T> {
    const query = this.dataSource.createQueryBuilder(entity, alias).select([]);
    for (const { propertyName } of this.dataSource.getMetadata(entity).columns)
      query.addSelect(`${alias}.${propertyName}`, propertyName);
    return query;
  }
}

/** One by one, which takes a quarter of what it takes to assign them all together. */
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
