import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager, In, type SelectQueryBuilder } from 'typeorm';
import { RollupService } from '../store/typeorm/statistics/rollup/rollup.service.js';
import { connectionsOf } from '../database/connections.js';
import { driverOf } from '../database/driver.js';
import { askOnPrimary, onPrimary } from '../database/primary.js';
import { chunks } from '../database/chunks.js';
import { DATA_SOURCE, type Settings, SETTINGS } from '../options/settings.js';
import type { ActivityName, Named } from './activities.js';
import {
  type ActivityContext,
  type ContextSource,
  CurrentContext,
  type GivenContext,
} from './activity.context.js';
import { Activity } from './activity.entity.js';
import {
  type ActivityFilter,
  applyAfter,
  applyFilter,
  checkText,
  InvalidFilterError,
  placeOf,
} from './activity.filter.js';
import { ActivityWriter } from './activity.writer.js';
import { ErrorCollector } from './validation-errors.js';
import { type Cursor, decodeCursor, encodeCursor } from './cursor.js';
import { type Dialect, dialectOf, type Statement } from '../database/dialects/dialect.js';
import { Events } from './events.js';
import { storedIp } from './ip-address.js';
import { restoreMissingSessions } from '../store/typeorm/missing-sessions.js';
import { MAX_PATH, normalizeActivity, readActivity } from './new-activity.js';
import { RecordReader } from '../store/typeorm/reading/records.js';
import { activityOf, RowReader } from '../store/typeorm/reading/rows.js';
import { Recorder } from './recorder.js';
import { Session } from './session.entity.js';
import { DirtyRange } from '../store/typeorm/statistics/rollup/tables/dirty-range.entity.js';
import { dirtyRangesForDelete } from '../store/typeorm/statistics/rollup/dirty-ranges.js';
import { escapePath, Table } from '../database/table.js';
import { storedSubject, type Subject, SUBJECT_FAULT } from './subject.js';
import { cut, makeStorable } from './text.js';
import { storedUser } from './user.js';
import {
  type FeedItem,
  groupRepeats,
  lastSeenOf,
  latestOf,
  sessionsOf,
  type UserSession,
} from './user-activity.js';
import { sessionOf } from './user-agent.js';
import { VisitBounds } from '../store/typeorm/visit-bounds.js';

/** An activity of server code. */
export type ServerActivity<N extends ActivityName = ActivityName> = ActivityDetails & Named<N>;

interface ActivityDetails {
  /** At most 2,048 characters; default: the path of the request. Outside of requests it is mandatory. */
  path?: string | undefined;
  /** Default: now. A text is ISO 8601, without an offset UTC. */
  date?: Date | string | undefined;
  /** At most 2,048 characters. */
  referer?: string | undefined;
  /** A UUID; stored once however often it is given. Default: a new UUIDv7. */
  id?: string | undefined;
  /** Default: the request's. Of somebody else than the request's user, nothing else is taken from the request but the path. */
  user?: { id: string | number | bigint; name?: string | null } | undefined;
  /** The id of a session, as in {@link Activity.sessionId}. Default: the request's session and visit. */
  session?: string | undefined;
  /**
   * The id of a visit, as in {@link Activity.visitId}. It is left out if the visit would last for 24 hours or longer with
   * this activity.
   */
  visit?: string | undefined;
  /** The pattern of the route, at most 255 characters; default: the request's. */
  route?: string | undefined;
  /** To what it was done, such as `['order', 17]`: `find({ subject: ['order', 17] })` is what was done to it. */
  subject?: Subject | undefined;
  /**
   * `false` for what happens by itself: a visit with one other activity still bounced.
   * @defaultValue true
   */
  interactive?: boolean | undefined;
  ip?: string | undefined;
  /** Kept with the session where that is new. */
  userAgent?: string | undefined;
}

/** How `ActivityService.track` stores an activity. */
export interface TrackOptions {
  /** `null`: nothing is taken from the request, or from `runAs`, that the code runs in. */
  context?: null;
  /**
   * The manager of a transaction of yours, which has to be of the data source of `DjaffarModule`: the activity is committed
   * with it, or not at all. What the driver throws is thrown as it is, so that you can try the transaction again.
   */
  manager?: EntityManager;
}

/** One page of a list. */
export interface Page<T> {
  items: T[];
  /** What to give as `after` for the page that follows; `null` at the end. */
  next: string | null;
}

/** Which page of a list, and in which order. */
export interface PageOptions {
  /** 1 to 1,000; default 50. */
  limit?: number | undefined;
  /** {@link Page.next} of the page before. */
  after?: string | undefined;
  /** By date; default `desc`, the latest first. */
  order?: 'asc' | 'desc' | undefined;
}

/** Whose feed `ActivityService.feed` returns. */
export interface FeedOptions {
  /** The host's id of the user. */
  user: string | number | bigint;
  /** How many items: 1 to 1,000; default 50. */
  limit?: number | undefined;
}

/** What `ActivityService.erase` keeps. */
export interface EraseOptions {
  /**
   * Whether what was done without a login in the user's visits stays. Statistics count it as the user's, so it goes too.
   * @defaultValue false
   */
  keepAnonymous?: boolean | undefined;
}

/** Some activities, alias `activity`. */
type Part = (manager: EntityManager) => SelectQueryBuilder<Activity>;

/** How many received activities are compared with the known ones: at 100 a second, those of the last 20 s. */
const MAX_RECEIVED = 2000;

export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 1000;

/**
 * Tracks activities from server code, finds them, and erases them.
 *
 * @example
 * ```ts
 * import { Injectable } from '@nestjs/common';
 * import { ActivityService } from 'nestjs-djaffar';
 *
 * @Injectable()
 * export class OrderService {
 *   constructor(private readonly activities: ActivityService) {}
 *
 *   async place(userId: string): Promise<void> {
 *     await this.activities.track({ name: 'bought', path: '/orders', user: { id: userId } });
 *   }
 *
 *   async export(userId: string): Promise<void> {
 *     for await (const { date, path } of this.activities.stream({ user: userId })) console.log(date, path);
 *   }
 *
 *   forget(userId: string): Promise<number> {
 *     return this.activities.erase({ user: userId });
 *   }
 * }
 * ```
 */
@Injectable()
export class ActivityService {
  private readonly dialect: Dialect;
  private readonly events: Events;

  constructor(
    @Inject(DATA_SOURCE) private readonly dataSource: DataSource,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly recorder: Recorder,
    private readonly writer: ActivityWriter,
    private readonly rollup: RollupService,
    private readonly visitBounds: VisitBounds,
    private readonly current: CurrentContext,
  ) {
    this.dialect = dialectOf(dataSource);
    this.events = new Events(settings);
  }

  /**
   * Stores an activity, and resolves once it is committed. Inside a request and inside {@link runAs}, what is not given is
   * taken from there: the user, the session, the visit, the IP address, the user agent, the path.
   * @throws InvalidActivityError as a client would get a 400
   * @throws Error for a `manager` that is in no transaction, or of another data source
   * @throws UnavailableError as a client would get a 503
   */
  async track(activity: ServerActivity, options: TrackOptions = {}): Promise<void> {
    await this.store(activity, options.context === null ? undefined : this.current, options.manager);
  }

  /** @internal the same in another context than that of the code that runs */
  async trackIn(context: ContextSource, activity: ServerActivity): Promise<void> {
    await this.store(activity, context);
  }

  private async store(
    activity: ServerActivity,
    context: ContextSource | undefined,
    manager?: EntityManager,
  ): Promise<void> {
    const { user, session, visit, ip, userAgent, date: when = new Date(), ...others } = activity;
    const { subject, interactive, ...fields } = others;
    const errors = new ErrorCollector();
    const deadline = this.recorder.deadline();
    const now = Date.now();
    const read = readActivity({ ...fields, date: when instanceof Date ? isoOf(when) : when }, errors);
    if (session !== undefined && !isKey(session, 64))
      errors.addError('session', 'session must be 1 to 64 letters, digits, - or _');
    if (visit !== undefined && !isKey(visit, 16))
      errors.addError('visit', 'visit must be 1 to 16 letters, digits, - or _');
    const knownSubject = subject === undefined ? null : storedSubject(subject);
    if (knownSubject === undefined) errors.addError('subject', `subject ${SUBJECT_FAULT}`);
    const known = storedUser(user);
    // Not in a transaction: that would take a second connection.
    const loading = manager ? undefined : context?.ready();
    if (loading) await loading;
    const { time, path, name, properties } = read ?? {};
    const origin =
      errors.count === 0
        ? context?.originOf({ date: time ?? now, path, name, properties, user: known })
        : undefined;
    const missingPath = 'outside of a request';
    const { events } = this;
    const arrival = { receivedAt: now, skew: 0, path: fitPath(origin?.path), missingPath, events };
    const parsed = read && normalizeActivity(read, arrival, errors);
    errors.throwIfInvalid();
    if (!parsed) return;
    const own = session === undefined && visit === undefined ? origin : undefined;
    const sessionId = session ?? own?.session ?? null;
    await this.recorder.record(
      [
        {
          ...parsed,
          route: parsed.route ?? origin?.route ?? null,
          subject: knownSubject ?? null,
          interactive: interactive === false ? false : null,
          referer: parsed.referer ?? origin?.referer ?? null,
          userId: known?.id ?? origin?.user?.id ?? null,
          userName: known?.name ?? origin?.user?.name ?? null,
          sessionId,
          visitId: visit ?? own?.visit ?? null,
          ipAddress: ip === undefined ? (origin?.ip ?? null) : storedIp(ip, this.settings.ip),
        },
      ],
      sessionId === null ? undefined : sessionOf(sessionId, now, userAgent ?? own?.userAgent ?? undefined),
      {
        request: origin?.request,
        isVisitOfHost: !own?.isVisitOwn,
        manager,
        deadline,
        onKept: () => own?.keep(),
      },
    );
  }

  /**
   * Returns the current user, session and path as JSON, for a job that runs after the request.
   * @returns `undefined` outside of requests and of {@link runAs}
   */
  context(): ActivityContext | undefined {
    return this.current.take();
  }

  /**
   * Runs a function in a context: what it tracks gets the user, session and path of this context.
   * @returns the result of the function
   */
  runAs<T>(context: GivenContext, work: () => T): T {
    return this.current.run(context, work);
  }

  /**
   * Finds one page of the activities, each with its session. Pages are keyset pages: while new activities arrive, none is
   * missing and none appears twice.
   * @throws InvalidFilterError
   */
  async find(filter: ActivityFilter = {}, options: PageOptions = {}): Promise<Page<Activity>> {
    const { limit = DEFAULT_LIMIT, after, order = 'desc' } = options;
    checkLimit(limit);
    if (order !== 'asc' && order !== 'desc') throw new InvalidFilterError('order', "must be 'asc' or 'desc'");
    const cursor = after === undefined ? undefined : decodeCursor(after);
    const rows = await this.rows((manager) => this.query(manager, filter), {
      limit: limit + 1,
      cursor,
      direction: order === 'asc' ? 'ASC' : 'DESC',
    });
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return { items, next: rows.length > limit && last ? encodeCursor(last) : null };
  }

  /**
   * All activities of the filter, the oldest first, in constant memory.
   * @throws InvalidFilterError
   */
  async *stream(filter: ActivityFilter = {}): AsyncGenerator<Activity, void, void> {
    for await (const rows of this.rowReader().activities(filter))
      for (const row of rows) yield activityOf(row);
  }

  /** @internal what exports are made of */
  rowReader(): RowReader {
    return new RowReader(this.dataSource);
  }

  /** @internal the same where the database has records */
  recordReader(): RecordReader | undefined {
    return RecordReader.of(this.dataSource);
  }

  /**
   * @internal the cursor behind an activity, for exports that resume
   * @throws InvalidFilterError if there is none of that id
   */
  async cursorOf(id: string): Promise<string> {
    const found = await askOnPrimary(this.dataSource, (manager) =>
      manager
        .createQueryBuilder(Activity, 'activity')
        .select(['activity.id', 'activity.date'])
        .where('activity.id = :id', { id: id.toLowerCase() })
        .getOne(),
    );
    if (!found) throw new InvalidFilterError('after', 'must be the id of an activity that is stored');
    return encodeCursor(found);
  }

  /**
   * What a user did, for the user's own eyes: the latest first, the same in a row once, without `engagement`, addresses and
   * sessions. It looks at the user's latest 1,000 activities.
   * @throws InvalidFilterError
   */
  async feed({ user, limit = DEFAULT_LIMIT }: FeedOptions): Promise<FeedItem[]> {
    checkLimit(limit);
    return groupRepeats(await latestOf(this.dataSource, checkText('user', String(user))), limit);
  }

  /**
   * When each of the users did something for the last time; who never did is not in it.
   * @throws InvalidFilterError
   */
  async lastSeen(users: (string | number | bigint)[]): Promise<Map<string, Date>> {
    return lastSeenOf(
      this.dataSource,
      users.map((user) => checkText('user', String(user))),
    );
  }

  /**
   * The browsers in which a user was logged in, the latest first, at most 100.
   * @param current the session that asks; default: the request's, if the option `requestContext` is on. See
   * {@link VisitorService.of}
   * @throws InvalidFilterError
   */
  async sessions(
    user: string | number | bigint,
    current = this.current.take()?.session ?? undefined,
  ): Promise<UserSession[]> {
    return sessionsOf(this.dataSource, checkText('user', String(user)), current);
  }

  /** @throws InvalidFilterError */
  async count(filter: ActivityFilter = {}): Promise<number> {
    return askOnPrimary(this.dataSource, (manager) => this.query(manager, filter).getCount());
  }

  /**
   * A query builder of TypeORM's for what `find` cannot ask; alias `activity`. The filter's dates are in it already: in what
   * you add, a date is a number of milliseconds (`date.getTime()`), because a `Date` matches wrong rows on some databases.
   * It only reads: activities that are deleted by it stay in the statistics, so use {@link erase}.
   * @example
   * const names = await activities
   *   .createQueryBuilder({ from: '2026-11-01T00:00Z', user: '17' })
   *   .select('DISTINCT activity.name', 'name')
   *   .getRawMany();
   * @throws InvalidFilterError
   */
  createQueryBuilder(filter: ActivityFilter = {}): SelectQueryBuilder<Activity> {
    return this.query(this.dataSource.manager, filter);
  }

  /**
   * Erases activities for good, the sessions (with their user agents) that have none left, and what the statistics know
   * of them. It takes what is there when it is called: what arrives meanwhile stays. It goes on in steps;
   * if one fails, what came before it is erased, and the same call goes on.
   *
   * With a `user`, it also erases what was done without a login in the visits in which the user was logged in.
   * @returns how many activities were erased
   * @throws InvalidFilterError also for an empty filter, and for a property that is there but undefined
   */
  async erase(filter: ActivityFilter, options: EraseOptions = {}): Promise<number> {
    let erased = 0;
    for (const part of this.partsToErase(filter, options)) erased += await this.erasePart(part);
    // Also if nothing was left: an erasure that failed may have left what statistics know.
    await this.rollup.takeInErasures();
    return erased;
  }

  /** @internal how many activities `erase` would take */
  async countToErase(filter: ActivityFilter, options: EraseOptions = {}): Promise<number> {
    let count = 0;
    for (const part of this.partsToErase(filter, options))
      count += await askOnPrimary(this.dataSource, (manager) => part(manager).getCount());
    return count;
  }

  private partsToErase(filter: ActivityFilter, { keepAnonymous = false }: EraseOptions): Part[] {
    const properties = Object.entries(filter);
    if (properties.length === 0)
      throw new InvalidFilterError('filter', 'must not be empty: that would erase everything');
    for (const [property, value] of properties) {
      if (value === undefined)
        throw new InvalidFilterError(property, 'must not be undefined where something is erased');
    }
    const own: Part = (manager) => this.query(manager, filter);
    const { user, ...others } = filter;
    if (user === undefined || keepAnonymous) return [own];
    const anonymous: Part = (manager) => {
      const visits = manager
        .createQueryBuilder(Activity, 'own')
        .select('own.visitId')
        .where('own.userId = :user')
        .andWhere('own.visitId IS NOT NULL');
      return this.query(manager, others)
        .andWhere('activity.userId IS NULL')
        .andWhere(`activity.visitId IN (${visits.getQuery()})`, { user: checkText('user', user) });
    };
    // In this order, as the user's own tell which visits these are.
    return [anonymous, own];
  }

  /**
   * The activities that were received in so many milliseconds until now, whatever their dates are: the ids of all, and those
   * with another id than the known ones, the newest last. A late commit is among them, however many were received after it.
   * @internal
   * @param limit of the activities, of which the newest are returned
   * @throws UnavailableError if the database does not answer
   */
  async findReceived(
    within: number,
    limit: number,
    known: ReadonlySet<string> = new Set(),
  ): Promise<{ ids: string[]; activities: Activity[] }> {
    const { dialect, dataSource } = this;
    const now = driverOf(dataSource)?.now ?? ':now';
    return connectionsOf(dataSource).ask(
      (signal) =>
        onPrimary(
          dataSource,
          async (manager) => {
            const query = manager
              .createQueryBuilder(Activity, 'activity')
              .select('activity.id', 'id')
              .where(`activity.receivedAt > ${now} - :within`, { within, now: Date.now() })
              // A clock that was ahead would have its activities be the latest for ever.
              .andWhere(`activity.receivedAt < ${now} + :within`)
              .orderBy('activity.receivedAt', 'DESC')
              .addOrderBy('activity.id', 'DESC')
              .limit(MAX_RECEIVED);
            const { tablePath } = dataSource.getMetadata(Activity);
            const last = dialect.writtenLast?.('activity', escapePath(dataSource, tablePath));
            const found = await (last ? query.andWhere(last) : query).getRawMany<{ id: string }>();
            const ids = found.map(({ id }) => id);
            const unknown = ids.filter((id) => !known.has(id)).slice(0, limit);
            if (unknown.length === 0) return { ids, activities: [] };
            const activities = await manager
              .createQueryBuilder(Activity, 'activity')
              .leftJoinAndSelect('activity.session', 'session')
              .where({ id: In(unknown) })
              .orderBy('activity.receivedAt', 'ASC')
              .addOrderBy('activity.id', 'ASC')
              .getMany();
            return { ids, activities };
          },
          signal,
        ),
      { subject: 'new activities cannot be looked for' },
    );
  }

  /** In the order of dates, up to the last that is there at first, so that it ends whatever arrives meanwhile. */
  private async erasePart(part: Part): Promise<number> {
    const [last] = await this.rows(part, { limit: 1, direction: 'DESC' });
    if (!last) return 0;
    const upTo: Part = (manager) => part(manager).andWhere('activity.date <= :last', { last: +last.date });
    let erased = 0;
    let cursor: Cursor | undefined;
    let rows: Activity[];
    do {
      rows = await this.rows(upTo, { limit: MAX_LIMIT, cursor, direction: 'ASC' });
      for (const some of chunks(rows, this.dialect.erasedAtOnce)) erased += await this.eraseRows(some);
      const end = rows.at(-1);
      cursor = end && { date: end.date.getTime(), id: end.id };
    } while (rows.length === MAX_LIMIT);
    return erased;
  }

  /** The activities, and the sessions that have none left, in one transaction. */
  private async eraseRows(rows: Activity[]): Promise<number> {
    if (rows.length === 0) return 0;
    const sessions = new Map(rows.flatMap(({ session }) => (session ? [[session.id, session]] : [])));
    const deletion = this.dataSource
      .createQueryBuilder()
      .delete()
      .from(Activity)
      .whereInIds(rows.map(({ id }) => id));
    const statements = [
      new Table(this.dataSource, DirtyRange, { clock: 'createdAt' }).insert(dirtyRangesForDelete(rows)),
      ...(sessions.size > 0 ? [this.deletionOfSessions([...sessions.keys()])] : []),
    ];
    let erased: number;
    try {
      erased = await connectionsOf(this.dataSource).ask((signal) =>
        this.dialect.transact(this.dataSource, deletion.getQueryAndParameters(), statements, signal),
      );
    } finally {
      // Also after an error: the transaction may have been committed although the answer was lost.
      this.writer.noteErasure();
      this.visitBounds.clear();
    }
    // The deletion does not see activities that were being written at the same moment.
    await restoreMissingSessions(
      this.dataSource,
      [...sessions].map(([id, session]) => ({ id, row: () => session })),
    );
    return erased;
  }

  private deletionOfSessions(sessions: string[]): Statement {
    const { tablePath } = this.dataSource.getMetadata(Session);
    const sessionId = `${escapePath(this.dataSource, tablePath)}.${this.dataSource.driver.escape('id')}`;
    const others = this.dataSource
      .createQueryBuilder()
      .subQuery()
      .select('1')
      .from(Activity, 'other')
      .where(`other.sessionId = ${sessionId}`);
    return this.dataSource
      .createQueryBuilder()
      .delete()
      .from(Session)
      .where('id IN (:...sessions)', { sessions })
      .andWhere(`NOT EXISTS ${others.getQuery()}`)
      .getQueryAndParameters();
  }

  private query(manager: EntityManager, filter: ActivityFilter): SelectQueryBuilder<Activity> {
    const query = manager.createQueryBuilder(Activity, 'activity');
    applyFilter(query, filter, this.dialect);
    return query;
  }

  private rows(
    part: Part,
    { limit, cursor, direction }: { limit: number; cursor?: Cursor | undefined; direction: 'ASC' | 'DESC' },
  ): Promise<Activity[]> {
    return askOnPrimary(this.dataSource, (manager) => {
      const query = part(manager).leftJoinAndSelect('activity.session', 'session').limit(limit);
      for (const column of placeOf(this.dialect)) query.addOrderBy(column, direction);
      if (cursor) applyAfter(query, cursor, direction, this.dialect);
      return query.getMany();
    });
  }
}

/** @throws InvalidFilterError */
function checkLimit(limit: number): void {
  if (!Number.isInteger(limit) || limit < 1 || limit > MAX_LIMIT)
    throw new InvalidFilterError('limit', `must be a whole number from 1 to ${MAX_LIMIT}`);
}

function isoOf(date: Date): string {
  return Number.isNaN(date.getTime()) ? String(date) : date.toISOString();
}

function fitPath(path: string | null | undefined): string | undefined {
  return path ? cut(makeStorable(path), MAX_PATH) : undefined;
}

function isKey(text: string, characters: number): boolean {
  return /^[\w-]+$/.test(text) && text.length <= characters;
}
