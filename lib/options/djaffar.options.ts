import type { CanActivate, Type } from '@nestjs/common';
import type { StoredActivity, WriterSettings } from '../activity/activity.writer.js';
import type { IpPolicy } from '../activity/ip-address.js';
import type { PageOption } from '../activity/page.js';
import type { QuestionLimits } from '../database/connections.js';
import type { RollupSettings } from '../statistics/rollup/rollup.service.js';

/** How questions are answered, and what is kept ready for them. */
export interface StatisticsSettings extends RollupSettings, QuestionLimits {}

/** A guard of the host: a class that the host's injector knows or can make, or an instance. */
export type HostGuard = Type<CanActivate> | CanActivate;

/** Who a user is, as the host tells it; stored as text. */
export interface HostUser {
  id: string | number | bigint;
  name?: string | null;
}

/**
 * What a host may set, all optional. Express and Fastify have no type of request in common, so the functions take
 * `unknown`; a host names its own type in the parameter.
 */
export interface DjaffarOptions {
  /**
   * Asked in turn until one names a user. If none does, the user is whoever the host's middleware has put on
   * `request.user`, unless a bearer token was refused; else the visitor is anonymous.
   * Without guards: whoever is on `request.user`, else the default strategy of `PassportModule`.
   */
  guards?: HostGuard[] | undefined;

  /**
   * What becomes of a bearer token that no guard accepts: `reject` answers 401, `anonymous` stores without a user.
   * @defaultValue 'reject'
   */
  rejectedCredentials?: 'reject' | 'anonymous' | undefined;

  /**
   * Whether `ActivityService` knows the request in which it is called: its user, session, visit, address and path. Node's
   * `AsyncLocalStorage` does this; on Node 20 it costs every request of the application some microseconds, so it is off
   * unless you track from server code (docs/server.md has the figures).
   * @defaultValue false
   */
  requestContext?: boolean | undefined;

  session?: {
    /**
     * Milliseconds since the last activity, or `browser` for as long as the browser is open.
     * @defaultValue two weeks
     */
    maxAge?: number | 'browser' | undefined;

    /**
     * `none` keeps sessions in pages inside other sites, and in pages of another site than the app, by a cookie with
     * `SameSite=None; Secure; Partitioned`: one session for each site that the page is in. It needs HTTPS (or localhost).
     * @defaultValue 'lax'
     */
    sameSite?: 'lax' | 'none' | undefined;

    /** The host's own session id; only its SHA-256 is stored. Where it gives none, the cookie stands in. */
    id?(request: unknown): string | undefined;
  };

  /**
   * How much of an IP address is stored; `masked` zeroes the last octet of IPv4 and the last 80 bits of IPv6.
   * @defaultValue 'full'
   */
  ip?: IpPolicy | undefined;

  /**
   * The page of a path, as statistics count it. `find` and exports keep the whole path.
   * After a change run `djaffar check --rebuild`, with this function exported as `page` by the data source file.
   * @defaultValue the path without its query string and trailing slash
   */
  page?: PageOption | undefined;

  /** Turns on `GET …/activities` for those whom all of these guards let in; at least one. */
  api?: { guards: HostGuard[] } | undefined;

  /** Turns on the page at `GET …/dashboard/`, and what it shows, for those whom all of these guards let in; at least one. */
  dashboard?: {
    guards: HostGuard[];
    session?: BearerSessionOptions | undefined;
    /**
     * The team's reporting time zone, such as `Europe/Berlin`. Links of the dashboard may name another one.
     * @defaultValue that of each viewer's browser
     */
    timeZone?: string | undefined;
  };

  writer?: Partial<WriterSettings> | undefined;

  /** @defaultValue `{ maxWait: 1000, concurrency: 4, timeout: 30_000, statementTimeout: 30_000, background: true }` */
  statistics?: Partial<StatisticsSettings> | undefined;

  /**
   * Tells who a request is of, after the guards; `null` for nobody.
   * @defaultValue of `request.user`: `id ?? userId ?? sub ?? _id ?? uuid`, and `username ?? name ?? email`
   */
  user?(request: unknown): HostUser | null | undefined;

  /**
   * The last word on an activity before it is stored: changes it, or drops it by `null`, which is answered 204 too.
   * @param request `undefined` for what server code tracks outside of requests
   */
  transform?(
    activity: StoredActivity,
    request: unknown,
  ): StoredActivity | null | Promise<StoredActivity | null>;
}

/** For hosts that know bearer tokens alone: `POST …/dashboard/session` exchanges one for a cookie of the dashboard. */
export interface BearerSessionOptions {
  /** At least 32 characters, the same on all instances. Of several, the first encrypts and all decrypt. */
  secret: string | string[];

  /**
   * Milliseconds.
   * @defaultValue an hour
   */
  maxAge?: number | undefined;
}

/** What the routes of `api` or `dashboard` have to know at registration. */
export interface RouteOptions {
  /**
   * The host's own decorators for these routes, such as `Roles('admin')` or `SkipThrottle()`. Guards find their metadata
   * on the class and on the handler.
   */
  decorators?: ClassDecorator[] | undefined;
}

/** What has to be known at registration; `forRootAsync` takes it beside the factory. */
export interface RegistrationOptions {
  /**
   * Where the routes are, under the host's global prefix.
   * @defaultValue 'djaffar'
   */
  path?: string | undefined;

  /**
   * The name of the tracking route in `path`, because content blockers have lists of names.
   * @defaultValue 'track'
   */
  route?: string | undefined;

  /**
   * The name of the browser's script in `path`. The script knows the name of the route.
   * @defaultValue 'tracker.js'
   */
  tracker?: string | undefined;

  /**
   * The name of the TypeORM data source.
   * @defaultValue TypeORM's default data source
   */
  dataSource?: string | undefined;

  /** The host's own decorators for the tracking route and `tracker.js`, such as its `Public()`. */
  decorators?: ClassDecorator[] | undefined;

  /** Beside `forRoot`'s `api`, whose `guards` a factory returns. */
  api?: RouteOptions | undefined;

  /** The same for `dashboard`. */
  dashboard?: RouteOptions | undefined;

  /**
   * Whether `ActivityService` can be injected without importing the module.
   * @defaultValue false
   */
  isGlobal?: boolean | undefined;
}

/** Every option with its value: what the code reads. */
export interface Settings extends DjaffarOptions {
  guards: HostGuard[];
  rejectedCredentials: 'reject' | 'anonymous';
  requestContext: boolean;
  session: NonNullable<DjaffarOptions['session']> & {
    maxAge: number | 'browser';
    sameSite: 'lax' | 'none';
  };
  ip: IpPolicy;
  writer: WriterSettings;
  statistics: StatisticsSettings;
}

export const DEFAULTS = {
  guards: [],
  rejectedCredentials: 'reject',
  requestContext: false,
  session: { maxAge: 14 * 24 * 60 * 60 * 1000, sameSite: 'lax' },
  ip: 'full',
  writer: { maxWaiting: 10_000, maxBatch: 500, concurrency: 2, timeout: 5_000 },
  statistics: {
    maxWait: 1000,
    concurrency: 4,
    timeout: 30_000,
    statementTimeout: 30_000,
    background: true,
  },
} satisfies Settings;

/** The same of what the registration has to know. */
export interface Registration extends Required<Omit<RegistrationOptions, 'dataSource'>> {
  dataSource: string | undefined;
  api: Required<RouteOptions>;
  dashboard: Required<RouteOptions>;
}

export const REGISTRATION_DEFAULTS: Registration = {
  path: 'djaffar',
  route: 'track',
  tracker: 'tracker.js',
  dataSource: undefined,
  decorators: [],
  api: { decorators: [] },
  dashboard: { decorators: [] },
  isGlobal: false,
};

export const DATA_SOURCE = Symbol('Djaffar data source');
export const REGISTRATION = Symbol('Djaffar registration');
export const SETTINGS = Symbol('Djaffar settings');
