import type { CanActivate, Type } from '@nestjs/common';
import type { EventTypes } from '../activity/activities.js';
import type { StoredActivity } from '../activity/activity.js';
import type { HostGroup } from '../activity/group.js';
import type { PrivacyOptions } from './privacy.options.js';
import type { BearerSessionOptions, ScopeOptions } from './route.options.js';
import type {
  DatabaseOptions,
  PageOption,
  StatisticsSettings,
  StoreFactory,
  WriterSettings,
} from './store.options.js';
import type { SubscriptionOptions, WebhookOptions } from './subscription.options.js';

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
export interface DjaffarOptions extends PrivacyOptions {
  /**
   * Guards that identify the user. They are called in turn until one accepts. If none accepts, the user is
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
   * Tracks each request that a handler of an HTTP controller answered, by the name `POST /orders/:id/pay`. Use `@Track` on a handler for
   * another name or properties, and `@NoTrack()` to exclude a handler or a controller. The routes of Djaffar are never tracked.
   */
  requests?: RequestsOptions | undefined;

  /**
   * The activities of the application: for each name a class with class-validator's decorators. Its properties are checked as by a
   * `ValidationPipe` with `whitelist` and `forbidNonWhitelisted`. Invalid properties are answered with 400, and are an
   * `InvalidActivityError` in server code. Asynchronous validators do not run.
   */
  events?: EventTypes | undefined;

  /**
   * How to handle an activity whose name is neither in `events` nor one of the tracker's: `accept` stores it,
   * `mark` stores it with the property `$unknown`, `reject` answers 400. It needs `events`. The names that the
   * option `requests` generates are always stored.
   * @defaultValue 'accept'
   */
  unknownEvents?: 'accept' | 'mark' | 'reject' | undefined;

  /**
   * The property that gets the id of the request's trace (32 hexadecimal digits), such as `traceId`, so that an activity leads to the
   * logs and spans of its request. The id comes from OpenTelemetry's active span, otherwise from the request's `traceparent` header.
   * @defaultValue none is kept
   */
  traceProperty?: string | undefined;

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

    /**
     * Which earlier activities belong to the user after a login. With `visit`, statistics count the current visit as the user's, and
     * `erase` erases it with the user; its activities stay anonymous. With `session`, the user is stored, soon after the login, with all
     * anonymous activities of the session since another user was logged in. Activities that arrive late get the user at a later activity.
     * ClickHouse does not support it.
     * @defaultValue 'visit'
     */
    claim?: 'visit' | 'session' | undefined;

    /** Returns the host's own session id, of which only the SHA-256 is stored. If it returns none, the cookie is used. */
    id?(request: unknown): string | undefined;
  };

  /**
   * Returns the page of a path; statistics count by page. `find` and exports keep the whole path.
   * If you change it, run `djaffar check --rebuild`, and export this function as `page` from the data source file.
   * @defaultValue the path without its query string and trailing slash
   */
  page?: PageOption | undefined;

  /**
   * Handlers that are called with stored activities at least once, in the order of their commits, by one instance at a time. Delivery
   * resumes where it stopped, also after a crash. All processes that store activities must have the same subscriptions. With
   * `statistics.background: false`, a process leaves the delivery to others. A TypeORM data source is required.
   * @defaultValue []
   */
  subscriptions?: readonly SubscriptionOptions[] | undefined;

  /**
   * Receivers that get activities over HTTP, by Standard Webhooks (https://www.standardwebhooks.com), with the guarantees of
   * `subscriptions`.
   * @defaultValue []
   */
  webhooks?: readonly WebhookOptions[] | undefined;

  /** Turns on the API, such as `GET …/activities`, for requests that all of these guards accept; at least one guard. */
  api?: ({ guards: HostGuard[] } & ScopeOptions) | undefined;

  /** Turns on the dashboard at `GET …/dashboard/` for requests that all of these guards accept; at least one guard. */
  dashboard?: ScopeOptions & {
    guards: HostGuard[];
    /** Allows users who have only a bearer token to open the dashboard. */
    session?: BearerSessionOptions | undefined;
    /**
     * The team's reporting time zone, such as `Europe/Berlin`. A link to the dashboard may name another one.
     * @defaultValue the time zone of each viewer's browser
     */
    timeZone?: string | undefined;
  };

  /**
   * A database that Djaffar opens by itself, for hosts that use no TypeORM. It creates its tables when the application starts, and
   * closes the database when the application ends.
   * @defaultValue the TypeORM data source that `dataSource` names
   */
  database?: DatabaseOptions | undefined;

  /**
   * Where activities are stored. If it is given, the option `dataSource` is not used, and `TrackOptions.manager` and
   * `createQueryBuilder` do not work.
   * @defaultValue the TypeORM data source that `dataSource` names
   */
  store?: StoreFactory | undefined;

  /** Limits for writing activities. */
  writer?: Partial<WriterSettings> | undefined;

  /** Limits for questions, and when rollups are updated. */
  statistics?: Partial<StatisticsSettings> | undefined;

  /**
   * Returns the user of a request after the guards have run, or `null` for an anonymous visitor.
   * @defaultValue from `request.user`: `id ?? userId ?? sub ?? _id ?? uuid`, and `username ?? name ?? email`
   */
  user?(request: unknown): HostUser | null | undefined;

  /**
   * Returns the group of the user of a request after the guards have run, such as a customer of the application, or `null`.
   * Its id and name are stored with each activity.
   * @example
   * group: ({ user }: Request) => user && { type: 'company', id: user.company.id, name: user.company.name }
   */
  group?(request: unknown): MaybeGroup | Promise<MaybeGroup>;

  /**
   * Changes an activity before it is stored, or drops it by returning `null`; the response is 204 in both cases.
   * @param request `undefined` if server code tracks outside of a request
   */
  transform?(
    activity: StoredActivity,
    request: unknown,
  ): StoredActivity | null | Promise<StoredActivity | null>;
}

type MaybeGroup = HostGroup | null | undefined;

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

/** A class for `forRootAsync({ useClass })` or `forRootAsync({ useExisting })`. */
export interface DjaffarOptionsFactory {
  /** Returns the options, once, when the application starts. */
  createDjaffarOptions(): DjaffarOptions | Promise<DjaffarOptions>;
}
