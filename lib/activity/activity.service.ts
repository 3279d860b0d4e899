import { Inject, Injectable } from '@nestjs/common';
import type { EntityManager, SelectQueryBuilder } from 'typeorm';
import { type Settings, SETTINGS, STORE } from '../options/settings.js';
import type { ErasureSelection, RecordReader, Store } from '../store/store.js';
import type { ActivityName, Named } from './activities.js';
import {
  type ActivityContext,
  type ContextSource,
  CurrentContext,
  type GivenContext,
} from './activity.context.js';
import type { Activity } from './activity.js';
import { type ActivityFilter, checkText, InvalidFilterError, parseFilter } from './activity.filter.js';
import { type ActivityRow, toActivity } from './activity-row.js';
import { ActivityWriter } from './activity.writer.js';
import { ErrorCollector } from './validation-errors.js';
import { type Cursor, decodeCursor, encodeCursor } from './cursor.js';
import { Events } from './events.js';
import { storedIp } from './ip-address.js';
import { MAX_PATH, normalizeActivity, readActivity } from './new-activity.js';
import { DEFAULT_LIMIT, MAX_LIMIT, type Page, type PageOptions } from './pagination.js';
import { Recorder } from './recorder.js';
import { storedSubject, type Subject, SUBJECT_FAULT } from './subject.js';
import { truncate, sanitize } from './text.js';
import { storedUser } from './user.js';
import { type FeedItem, groupRepeats, type UserSession } from './user-activity.js';
import { sessionOf } from './user-agent.js';
import { VisitBounds } from './visit-bounds.js';

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
  private readonly events: Events;

  constructor(
    @Inject(STORE) private readonly store: Store,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly recorder: Recorder,
    private readonly writer: ActivityWriter,
    private readonly visitBounds: VisitBounds,
    private readonly current: CurrentContext,
  ) {
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
    await this.storeActivity(activity, options.context === null ? undefined : this.current, options);
  }

  /**
   * The same in another context than that of the code that runs.
   * @internal
   * @param isNameGenerated whether the option `events` does not apply, because the application has not named the activity
   */
  async trackIn(context: ContextSource, activity: ServerActivity, isNameGenerated = false): Promise<void> {
    await this.storeActivity(activity, context, { isNameGenerated });
  }

  private async storeActivity(
    activity: ServerActivity,
    context: ContextSource | undefined,
    { manager, isNameGenerated = false }: { manager?: EntityManager; isNameGenerated?: boolean },
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
    const events = isNameGenerated ? undefined : this.events;
    const arrival = { receivedAt: now, skew: 0, path: fitPath(origin?.path), missingPath, events };
    const parsed = read && normalizeActivity(read, arrival, errors);
    errors.throwIfInvalid();
    if (!parsed || origin?.isDropped) return;
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
        isAboutAnother: origin?.isAboutAnother,
        isVisitOfHost: !own?.isVisitOwn,
        manager,
        deadline,
        onKept: () => own?.keep(),
      },
    );
  }

  /**
   * Returns the current user, session and path as JSON, for a job that runs after the request. With the option `respect`, it
   * has only the path and the route of a visitor who asks not to be tracked.
   * @returns `undefined` outside of requests and of {@link runAs}
   */
  context(): ActivityContext | undefined {
    return this.current.snapshot();
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
    const rows = await this.store.page(parseFilter(filter), { limit: limit + 1, after: cursor, order });
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    return { items, next: rows.length > limit && last ? encodeCursor(last) : null };
  }

  /**
   * All activities of the filter, the oldest first, in constant memory.
   * @throws InvalidFilterError
   */
  async *stream(filter: ActivityFilter = {}): AsyncGenerator<Activity, void, void> {
    for await (const rows of this.pages(filter)) for (const row of rows) yield toActivity(row);
  }

  /** @internal for exports: the activities behind a place, in pages */
  pages(filter: ActivityFilter, after?: Cursor): AsyncGenerator<ActivityRow[], void, void> {
    return this.store.pages(parseFilter(filter), after);
  }

  /** @internal the same as text, if the store can */
  get records(): RecordReader | undefined {
    return this.store.records;
  }

  /**
   * @internal the cursor behind an activity, for exports that resume
   * @throws InvalidFilterError if there is none of that id
   */
  async cursorOf(id: string): Promise<string> {
    const found = await this.store.findCursor(id.toLowerCase());
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
    return groupRepeats(await this.store.findLatest(checkText('user', String(user))), limit);
  }

  /**
   * When each of the users did something for the last time; who never did is not in it.
   * @throws InvalidFilterError
   */
  async lastSeen(users: (string | number | bigint)[]): Promise<Map<string, Date>> {
    return this.store.findLastSeen(users.map((user) => checkText('user', String(user))));
  }

  /**
   * The browsers in which a user was logged in, the latest first, at most 100.
   * @param current the session that asks; default: the request's, if the option `requestContext` is on. See
   * {@link VisitorService.of}
   * @throws InvalidFilterError
   */
  async sessions(
    user: string | number | bigint,
    current = this.current.snapshot()?.session ?? undefined,
  ): Promise<UserSession[]> {
    return this.store.findSessions(checkText('user', String(user)), current);
  }

  /** @throws InvalidFilterError */
  async count(filter: ActivityFilter = {}): Promise<number> {
    return this.store.count(parseFilter(filter));
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
   * @throws Error if activities are not stored in a TypeORM data source
   */
  createQueryBuilder(filter: ActivityFilter = {}): SelectQueryBuilder<Activity> {
    const { typeorm } = this.store;
    if (!typeorm)
      throw new Error(
        'Djaffar: createQueryBuilder() works only if activities are stored in a TypeORM data source',
      );
    return typeorm.createQueryBuilder(parseFilter(filter));
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
    return this.store.erase(erasureOf(filter, options), () => {
      this.writer.noteErasure();
      this.visitBounds.clear();
    });
  }

  /** @internal how many activities `erase` would take */
  async countToErase(filter: ActivityFilter, options: EraseOptions = {}): Promise<number> {
    return this.store.countToErase(erasureOf(filter, options));
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
    return this.store.findReceived(within, limit, known);
  }
}

/** @throws InvalidFilterError also for an empty filter, and for a property that is there but undefined */
function erasureOf(filter: ActivityFilter, { keepAnonymous = false }: EraseOptions): ErasureSelection {
  const properties = Object.entries(filter);
  if (properties.length === 0)
    throw new InvalidFilterError('filter', 'must not be empty: that would erase everything');
  for (const [property, value] of properties) {
    if (value === undefined)
      throw new InvalidFilterError(property, 'must not be undefined where something is erased');
  }
  return { filter: parseFilter(filter), keepAnonymous };
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
  return path ? truncate(sanitize(path), MAX_PATH) : undefined;
}

function isKey(text: string, characters: number): boolean {
  return /^[\w-]+$/.test(text) && text.length <= characters;
}
