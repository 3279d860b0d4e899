import { Inject, Injectable } from '@nestjs/common';
import type { SelectQueryBuilder } from 'typeorm';
import { type Settings, SETTINGS, STORE } from '../options/settings.js';
import type { Store } from '../store/store.js';
import type { RecordReader } from '../store/records.js';
import {
  type ActivityContext,
  type ContextSource,
  CurrentContext,
  type GivenContext,
} from './activity.context.js';
import type { Activity } from './activity.js';
import { type ActivityFilter, checkText, type ParsedFilter, parseFilter } from './activity.filter.js';
import type { ActivityRow } from './activity-row.js';
import type { ActivityScope } from './activity-scope.js';
import { ActivityWriter } from './activity.writer.js';
import { type Cursor, DEFAULT_LIMIT, type Page, type PageOptions } from './pagination.js';
import { Recorder } from './recorder.js';
import {
  type AnonymiseOptions,
  checkLimit,
  type EraseOptions,
  ScopedActivities,
} from './scoped-activities.js';
import { type ServerActivity, ServerTracker, type TrackOptions } from './server-activity.js';
import { type FeedItem, groupRepeats, type PersonalRecord, type UserSession } from './user-activity.js';
import { VisitDurationLimit } from './visit-duration-limit.js';

/** Whose feed `ActivityService.feed` returns. */
export interface FeedOptions {
  /** The host's id of the user. */
  user: string | number | bigint;
  /** How many items: 1 to 1,000; default 50. */
  limit?: number | undefined;
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
  private readonly tracker: ServerTracker;
  private readonly all: ScopedActivities;

  constructor(
    @Inject(STORE) private readonly store: Store,
    @Inject(SETTINGS) settings: Settings,
    recorder: Recorder,
    writer: ActivityWriter,
    visitDurationLimit: VisitDurationLimit,
    private readonly current: CurrentContext,
  ) {
    this.tracker = new ServerTracker(settings, recorder);
    this.all = new ScopedActivities(store, () => {
      writer.sessions.onErased();
      visitDurationLimit.clear();
    });
  }

  /**
   * Returns a service that is limited to the activities of a scope, such as those of one customer. An empty scope allows everything; a
   * property whose value is `undefined` is an error.
   * @example
   * const ofShop = activities.scoped({ properties: { shop: 17 } });
   * const { items } = await ofShop.find({ name: 'bought' });
   * @throws InvalidFilterError
   */
  scoped(scope: ActivityScope): ScopedActivities {
    return this.all.scoped(scope);
  }

  /**
   * Stores an activity, and resolves when it is committed. Inside a request and inside {@link runAs}, missing values are
   * taken from there: user, session, visit, IP address, user agent and path.
   * @throws InvalidActivityError if a client would get a 400
   * @throws Error if `manager` is not in a transaction, or belongs to another data source
   * @throws UnavailableError if a client would get a 503
   */
  async track(activity: ServerActivity, options: TrackOptions = {}): Promise<void> {
    await this.tracker.track(activity, options.context === null ? undefined : this.current, options);
  }

  /**
   * Tracks an activity in a context other than the caller's.
   * @internal
   * @param isNameGenerated whether the option `events` does not apply, because the application has not named the activity
   */
  async trackIn(context: ContextSource, activity: ServerActivity, isNameGenerated = false): Promise<void> {
    await this.tracker.track(activity, context, { isNameGenerated });
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
   * Runs a function in a context: activities that it tracks get the user, session and path of this context.
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
    return this.all.find(filter, options);
  }

  /**
   * Yields all activities of the filter, the oldest first, in constant memory.
   * @throws InvalidFilterError
   */
  async *stream(filter: ActivityFilter = {}): AsyncGenerator<Activity, void, void> {
    yield* this.all.stream(filter);
  }

  /** @internal for exports: the activities after a cursor, in pages */
  pages(filter: ActivityFilter, after?: Cursor): AsyncGenerator<ActivityRow[], void, void> {
    return this.all.pages(filter, after);
  }

  /** @internal reads activities as text, if the store can */
  get records(): RecordReader | undefined {
    return this.store.records;
  }

  /** @internal */
  parse(filter: ActivityFilter): ParsedFilter {
    return this.all.parse(filter);
  }

  /**
   * @internal the cursor of an activity, for exports that resume
   * @throws InvalidFilterError if there is none of that id
   */
  async cursorOf(id: string): Promise<string> {
    return this.all.cursorOf(id);
  }

  /**
   * Returns what a user did, the latest first, for a page that shows it to this user. Successive activities with the same name, path and
   * subject are one item; `engagement`, addresses and sessions are left out. It reads the user's latest 1,000 activities.
   * @throws InvalidFilterError
   */
  async feed({ user, limit = DEFAULT_LIMIT }: FeedOptions): Promise<FeedItem[]> {
    checkLimit(limit);
    return groupRepeats(await this.store.findLatestOfUser(checkText('user', String(user))), limit);
  }

  /**
   * Returns the time of each user's last activity; users without activities are missing.
   * @throws InvalidFilterError
   */
  async lastSeen(users: (string | number | bigint)[]): Promise<Map<string, Date>> {
    return this.store.findLastSeenOfUsers(users.map((user) => checkText('user', String(user))));
  }

  /**
   * Returns the browsers in which a user was logged in, the latest first, at most 100.
   * @param current the caller's session; default: the request's, if the option `requestContext` is on. See
   * {@link VisitorService.of}
   * @throws InvalidFilterError
   */
  async sessions(
    user: string | number | bigint,
    current = this.current.snapshot()?.session ?? undefined,
  ): Promise<UserSession[]> {
    return this.store.findSessionsOfUser(checkText('user', String(user)), current);
  }

  /** @throws InvalidFilterError */
  async count(filter: ActivityFilter = {}): Promise<number> {
    return this.all.count(filter);
  }

  /**
   * Returns a query builder of TypeORM with the filter applied; the alias is `activity`. In conditions that you add, a date is a
   * number of milliseconds (`date.getTime()`), because a `Date` matches wrong rows on some databases.
   * Use it only for reading: statistics do not notice a deletion by it, so use {@link erase}.
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
   * Erases activities permanently, also from statistics, and sessions (with their user agents) that have none left.
   * Activities that arrive after the call are kept. It works in steps; if one fails, the previous ones remain erased, and the
   * same call continues.
   *
   * With a `user`, it also erases activities without a login in the visits in which the user was logged in.
   * @returns how many activities were erased
   * @throws InvalidFilterError also for an empty filter, and for a property that is there but undefined
   */
  async erase(filter: ActivityFilter, options: EraseOptions = {}): Promise<number> {
    return this.all.erase(filter, options);
  }

  /**
   * Removes personal data from activities: user, name, address, session, and the properties that you name. The activities and their counts
   * remain, but users, sessions and browsers of these visits are not counted any more.
   * Known bots keep their session. It takes the activities that {@link erase} would take, in steps.
   * @returns how many activities were changed
   * @throws InvalidFilterError as {@link erase} does
   */
  async anonymise(filter: ActivityFilter, options: AnonymiseOptions = {}): Promise<number> {
    return this.all.anonymise(filter, options);
  }

  /**
   * Exports everything that is stored about a user: sessions, visits and activities, including those before the login that {@link erase}
   * would erase.
   * @example
   * for await (const record of activities.export({ user: '17' })) response.write(`${JSON.stringify(record)}\n`);
   * @throws InvalidFilterError as {@link erase} does
   */
  export(filter: ActivityFilter, options: EraseOptions = {}): AsyncGenerator<PersonalRecord, void, void> {
    return this.all.export(filter, options);
  }

  /** @internal how many activities `erase` would take */
  async countToErase(filter: ActivityFilter, options: EraseOptions = {}): Promise<number> {
    return this.all.countToErase(filter, options);
  }

  /**
   * Returns the activities that were received in the last milliseconds, with any dates: all ids, and the activities whose ids
   * are not in `known`, the newest last. It includes late commits.
   * @internal
   * @param limit of the activities, of which the newest are returned
   * @throws UnavailableError if the database does not answer
   */
  async findReceived(
    within: number,
    limit: number,
    known: ReadonlySet<string> = new Set(),
  ): Promise<{ ids: string[]; activities: Activity[] }> {
    return this.all.findReceived(within, limit, known);
  }
}
