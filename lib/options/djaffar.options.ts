import type { EventTypes } from '../activity/activities.js';
import type { CanActivate, Type } from '@nestjs/common';
import type { SaltRotation } from '../privacy/salt.js';
import type { StoredActivity } from '../activity/activity.js';
import type { ActivityScope } from '../activity/activity-scope.js';
import type { IpPolicy } from '../activity/ip-address.js';
import type { Store } from '../store/store.js';
import type { Duration } from '../time/duration.js';

/** How many activities are written at once, and how long they may wait. */
export interface WriterSettings {
  /**
   * How many activities may wait; more are refused at once.
   * @defaultValue 10_000
   */
  maxWaiting: number;
  /**
   * How many activities go into one transaction.
   * @defaultValue 500
   */
  maxBatch: number;
  /**
   * How many transactions may run at once, each with a connection of the pool.
   * @defaultValue 2
   */
  concurrency: number;
  /**
   * Milliseconds after which an activity that is not committed is refused.
   * @defaultValue 5_000
   */
  timeout: number;
}

/** How many questions are asked of the database at once, and how long they may take. */
export interface QuestionLimits {
  /**
   * How many questions are asked of the database at once; each takes one connection.
   * @defaultValue 4
   */
  concurrency: number;
  /**
   * Milliseconds that a question may take.
   * @defaultValue 30_000
   */
  timeout: number;
  /**
   * Milliseconds that the database may work on one statement of a question; then the statement is cancelled.
   * @defaultValue 30_000
   */
  statementTimeout: number;
}

/** When the statistics are brought up to date. */
export interface RollupSettings {
  /**
   * Milliseconds that a question waits for the statistics to be brought up to date.
   * @defaultValue 1000
   */
  maxWait: number;
  /**
   * Whether work may go on after an answer: statistics are also brought up to date while nobody asks, event streams
   * have no end, and sessions are not inserted again with each activity but checked once a second.
   * @defaultValue true
   */
  background: boolean;
}

/** How questions are answered, and when the statistics behind them are brought up to date. */
export interface StatisticsSettings extends RollupSettings, QuestionLimits {}

/** Returns the page that a path is counted as. */
export type PageOption = (path: string) => string;

/** Opens the store of the option `store`. */
export interface StoreFactory {
  /** Called once when the application, or a command, starts. Nest calls the lifecycle hooks that the store has. */
  create(settings: StoreSettings): Store | Promise<Store>;
}

/** The options that a store needs, with their defaults filled in. */
export interface StoreSettings {
  writer: WriterSettings;
  statistics: StatisticsSettings;
  page: PageOption;
  /** These three for a store that cannot do all of it. The command `djaffar` gives none. */
  privacy?: DjaffarOptions['privacy'];
  consent?: DjaffarOptions['consent'];
  retention?: DjaffarOptions['retention'];
}

/** What those may see whom the guards of the API or the dashboard let in. */
export interface ScopeOptions {
  /**
   * Returns which activities a request may see, such as those of the user's customer; `{}` for everything. It is applied to
   * every answer, stream, export and erasure. A scope with a property that is undefined, and none at all, are refused with 403.
   * @defaultValue everything
   */
  scope?(request: unknown): ActivityScope | Promise<ActivityScope>;
}

/** What happens to activities of visitors who ask not to be tracked. */
export type PrivacySignalPolicy = 'anonymise' | 'drop' | 'ignore';

/** A guard of the host: a class that the host's injector has or can create, or an instance. */
export type HostGuard = Type<CanActivate> | CanActivate;

/** The user of a request. The id is stored as text. */
export interface HostUser {
  id: string | number | bigint;
  name?: string | null;
}

/**
 * The options of `DjaffarModule`. All are optional. Express and Fastify have no request type in common, so the functions
 * take `unknown`; name the type of your adapter in the parameter.
 *
 * @example
 * ```ts
 * import { DjaffarModule } from 'nestjs-djaffar';
 *
 * DjaffarModule.forRoot({
 *   ip: 'masked',
 *   session: { maxAge: 'browser' },
 *   transform: (activity) => (activity.path.startsWith('/health') ? null : activity),
 * });
 * ```
 */
export interface DjaffarOptions {
  /**
   * Guards that identify the user. They are asked in turn until one accepts. If none accepts, the user is
   * `request.user`, unless a bearer token was refused; otherwise the visitor is anonymous.
   * Without guards, the user is `request.user`, or comes from the default strategy of `PassportModule`.
   * @defaultValue []
   */
  guards?: HostGuard[] | undefined;

  /**
   * If no guard accepts a bearer token, `reject` answers 401 and `anonymous` stores the activity without a user.
   * @defaultValue 'reject'
   */
  rejectedCredentials?: 'reject' | 'anonymous' | undefined;

  /**
   * Whether `ActivityService` uses the request in which it is called: its user, session, visit, address and path. Node's
   * `AsyncLocalStorage` does this. On Node 20 it costs every request of the application some microseconds, so turn it on
   * only if you track from server code (docs/server.md has the figures).
   * @defaultValue false
   */
  requestContext?: boolean | undefined;

  /**
   * Tracks each request that a handler of an HTTP controller answered, by the name `POST /orders/:id/pay`. Use `@Track` on a
   * handler to say more, and `@NoTrack()` to leave out a handler or a controller. The routes of Djaffar are never tracked.
   */
  requests?: RequestsOptions | undefined;

  /**
   * The activities of the application: for each name a class with class-validator's decorators, by which its properties are
   * checked as a `ValidationPipe` with `whitelist` and `forbidNonWhitelisted` does. A wrong one is 400 for a browser, and an
   * `InvalidActivityError` in server code. Asynchronous validators are not asked.
   */
  events?: EventTypes | undefined;

  /**
   * What happens to an activity whose name is neither in `events` nor one of the tracker's: `accept` stores it,
   * `mark` stores it with the property `$unknown`, `reject` answers 400. It needs `events`. The names that the
   * option `requests` generates are always stored.
   * @defaultValue 'accept'
   */
  unknownEvents?: 'accept' | 'mark' | 'reject' | undefined;

  /** The session: one browser, recognized by a cookie. */
  session?: {
    /**
     * How long the cookie lives after the last activity, in milliseconds, or `browser` for as long as the browser is open.
     * @defaultValue 1_209_600_000, two weeks
     */
    maxAge?: number | 'browser' | undefined;

    /**
     * How long a session can be renewed, in milliseconds from its first activity. After that, the same browser begins a new
     * session.
     * @defaultValue 34_128_000_000, 395 days (13 months)
     */
    absoluteMaxAge?: number | undefined;

    /**
     * The `SameSite` attribute of the cookie. `none` keeps the session in pages that are embedded in other sites, or that
     * belong to another site than the app, by `SameSite=None; Secure; Partitioned`: one session for each embedding site. It
     * needs HTTPS or localhost.
     * @defaultValue 'lax'
     */
    sameSite?: 'lax' | 'none' | undefined;

    /** Returns the host's own session id, of which only the SHA-256 is stored. If it returns none, the cookie is used. */
    id?(request: unknown): string | undefined;
  };

  /**
   * How much is known of visitors: `identified` by a cookie and as the user who is logged in; `cookieless` without anything stored
   * on the device, so that a session lasts a day at most and people behind one address with equal browsers are one; `cnil` by a
   * cookie, but with a masked address and never as a user. A function decides for each request, such as by country.
   * @defaultValue 'identified'
   */
  privacy?: PrivacyMode | PrivacyChoice['choose'] | undefined;

  /** Sessions without a cookie. */
  cookieless?:
    | {
        /**
         * How often the salt is replaced from which sessions are made, in UTC. Nobody can be recognized longer.
         * @defaultValue 'day'
         */
        rotate?: SaltRotation | undefined;
      }
    | undefined;

  /**
   * Returns whether the visitor of a request has agreed to be identified; `consentCookie` reads what `djaffar.consent(true)` in
   * the browser has said. Without consent nothing is stored on the device. Only `true` is consent; a promise is an error.
   */
  consent?(request: unknown): boolean;

  /**
   * What is stored of visitors without consent.
   * @defaultValue 'cookieless'
   */
  withoutConsent?: 'cookieless' | 'nothing' | undefined;

  /**
   * What happens to activities of visitors whose browser sends `Sec-GPC: 1` (Global Privacy Control) or `DNT: 1`.
   * `anonymise` stores them without user, session, visit and address, and sets no cookie. `drop` stores nothing; the answer
   * is 204 all the same. `ignore` treats these visitors as all others; the browser tracker itself sends nothing of them
   * unless it has the attribute `data-ignore-dnt`.
   * @defaultValue 'ignore'
   */
  respect?: PrivacySignalPolicy | undefined;

  /**
   * How much of an IP address is stored; `masked` zeroes the last octet of IPv4 and the last 80 bits of IPv6.
   * @defaultValue 'full'
   */
  ip?: IpPolicy | undefined;

  /**
   * Names of query parameters that are removed from `path`, `referer` and the property `url` before an activity is stored,
   * and before `transform`. Case, `-`, `_` and brackets are ignored; `*token` also matches `resetToken`. An empty array
   * removes none.
   * @defaultValue `SECRET_PARAMETERS`: `*token`, `*password`, `*email`, `code` and other likely secrets
   */
  scrub?: readonly string[] | undefined;

  /**
   * How long activities are kept, and for how long they say who did them. Once a day, one instance erases and anonymises what
   * is older, in small steps. Without `statistics.background`, run `djaffar retain` once a day instead.
   */
  retention?: RetentionPolicy | undefined;

  /**
   * Returns the page of a path, by which statistics count. `find` and exports keep the whole path.
   * If you change it, run `djaffar check --rebuild`, and export this function as `page` from the data source file.
   * @defaultValue the path without its query string and trailing slash
   */
  page?: PageOption | undefined;

  /** Turns on the API, such as `GET …/activities`, for requests that all of these guards accept; at least one guard. */
  api?: ({ guards: HostGuard[] } & ScopeOptions) | undefined;

  /** Turns on the dashboard at `GET …/dashboard/` for requests that all of these guards accept; at least one guard. */
  dashboard?: ScopeOptions & {
    guards: HostGuard[];
    /** Lets users open the dashboard who have only a bearer token. */
    session?: BearerSessionOptions | undefined;
    /**
     * The team's reporting time zone, such as `Europe/Berlin`. A link to the dashboard may name another one.
     * @defaultValue the time zone of each viewer's browser
     */
    timeZone?: string | undefined;
  };

  /**
   * Where activities are stored. If it is given, the option `dataSource` is not used, and `TrackOptions.manager` and
   * `createQueryBuilder` do not work.
   * @defaultValue the TypeORM data source that `dataSource` names
   */
  store?: StoreFactory | undefined;

  /** How activities are written. */
  writer?: Partial<WriterSettings> | undefined;

  /** How questions are answered. */
  statistics?: Partial<StatisticsSettings> | undefined;

  /**
   * Returns the user of a request after the guards have run, or `null` for an anonymous visitor.
   * @defaultValue from `request.user`: `id ?? userId ?? sub ?? _id ?? uuid`, and `username ?? name ?? email`
   */
  user?(request: unknown): HostUser | null | undefined;

  /**
   * Changes an activity before it is stored, or drops it by returning `null`; the answer is 204 all the same.
   * @param request `undefined` if server code tracks outside of a request
   */
  transform?(
    activity: StoredActivity,
    request: unknown,
  ): StoredActivity | null | Promise<StoredActivity | null>;
}

/** How long activities are kept: each duration ends with the start of a UTC day. */
export interface RetentionPolicy {
  /** After this, activities are erased. */
  keep?: Duration | undefined;
  /** The same for activities of some names. What was counted of them goes, too. */
  names?: Record<string, Duration> | undefined;
  /** After this, activities have no user, name, address and session any more; see `ActivityService.anonymise`. */
  anonymiseAfter?: Duration | undefined;
  /** Keys of properties that are removed from them besides. */
  anonymiseProperties?: readonly string[] | undefined;
  /**
   * What becomes of the statistics when `keep` is over: `erase` erases them too, `keep` keeps the counts of whole days, which
   * are never recomputed then. docs/privacy.md says which questions are still answered.
   * @defaultValue 'erase'
   */
  figures?: 'keep' | 'erase' | undefined;
}

/** How much is known of visitors. */
export type PrivacyMode = 'identified' | 'cookieless' | 'cnil';

/** So that a function may name the request type of its adapter. */
interface PrivacyChoice {
  choose(request: unknown): PrivacyMode;
}

/** The requests to track. */
export interface RequestsOptions {
  /** The HTTP methods to track. */
  methods: HttpMethod[];
  /**
   * `always` tracks failures too, with the property `status`: that of the `HttpException`, or 500. Guards refuse requests
   * before they can be tracked.
   * @defaultValue 'success'
   */
  status?: 'success' | 'always' | undefined;
}

/** A method of HTTP whose requests can be tracked. */
export type HttpMethod = 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'OPTIONS';

/** For hosts that use only bearer tokens: `POST …/dashboard/session` exchanges one for a cookie of the dashboard. */
export interface BearerSessionOptions {
  /** At least 32 characters, the same on all instances. If there are several, the first encrypts and all decrypt. */
  secret: string | string[];

  /**
   * How long the cookie lives, in milliseconds.
   * @defaultValue 3_600_000, an hour
   */
  maxAge?: number | undefined;
}

/** Options of the routes of `api` or `dashboard` that are needed when the module is registered. */
export interface RouteOptions {
  /**
   * Decorators of the host for these routes, such as `Roles('admin')` or `SkipThrottle()`. Guards find their metadata
   * on the class and on the handler.
   */
  decorators?: ClassDecorator[] | undefined;
}

/** Options that are needed when the module is registered. `forRootAsync` takes them next to the factory. */
export interface RegistrationOptions {
  /**
   * The path of the routes, below the host's global prefix.
   * @defaultValue 'djaffar'
   */
  path?: string | undefined;

  /**
   * The name of the tracking route in `path`. Content blockers have lists of usual names.
   * @defaultValue 'track'
   */
  route?: string | undefined;

  /**
   * The name of the browser script in `path`. The script contains the name of the route.
   * @defaultValue 'tracker.js'
   */
  tracker?: string | undefined;

  /**
   * The name of the TypeORM data source.
   * @defaultValue TypeORM's default data source
   */
  dataSource?: string | undefined;

  /** Decorators of the host for the tracking route and `tracker.js`, such as its `Public()`. */
  decorators?: ClassDecorator[] | undefined;

  /** Decorators for the routes of `api`; the factory returns its `guards`. */
  api?: RouteOptions | undefined;

  /** The same for `dashboard`. */
  dashboard?: RouteOptions | undefined;

  /**
   * Whether `ActivityService` and `ActivityStats` can be injected in all modules.
   * @defaultValue false
   */
  isGlobal?: boolean | undefined;
}
