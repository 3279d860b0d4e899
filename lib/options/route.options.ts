import type { ActivityScope } from '../activity/activity-scope.js';

/** Restricts which activities a request may see after the guards of the API or the dashboard have accepted it. */
export interface ScopeOptions {
  /**
   * Returns which activities a request may see, such as those of the user's customer; `{}` for everything. It is applied to
   * every answer, stream, export and erasure. If the scope is missing or has an undefined property, the request is refused with 403.
   * @defaultValue everything
   */
  scope?(request: unknown): ActivityScope | Promise<ActivityScope>;
}

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

  /** Decorators for the routes of `dashboard`; the factory returns its `guards`. */
  dashboard?: RouteOptions | undefined;

  /**
   * Whether `ActivityService` and `ActivityStats` can be injected in all modules.
   * @defaultValue false
   */
  isGlobal?: boolean | undefined;
}
