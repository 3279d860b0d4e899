import type { Group, HostGroup } from './group.js';
import type { IpPolicy } from './ip-address.js';
import type { SessionSource } from './session.js';
import type { User } from './user.js';

/** User, session, visit and path of a request as plain JSON, so that a job can track activities in the name of that request. */
export interface ActivityContext extends SessionSource {
  /** `null` if nobody is logged in, or the user is unknown. */
  user: User | null;
  /** `null` if there is none, or the option `group` returned a promise that nothing has waited for. */
  group: Group | null;
  /** Like `Activity.sessionId`; `null` if nothing is stored about the visitor yet. */
  session: string | null;
  /** Like `Activity.visitId`. The visit does not include activities 30 minutes or more after `at`. */
  visit: string | null;
  /** The address as the option `ip` allows it. */
  ip: string | null;
  /** Without the query string, which may contain secrets. */
  path: string | null;
  /** The pattern of the handler's path, with the prefix and the version, such as `/v1/orders/:id/pay`. */
  route: string | null;
  /** When `context()` was called, as ISO 8601. */
  at: string;
  /** Whether nothing is stored in this context: the visitor asks not to be tracked, and the option `respect` is `drop`. */
  isDropped?: boolean;
}

/** The argument of `runAs`: a context from `context()`, or the known parts of one. */
export interface GivenContext extends Partial<Omit<ActivityContext, 'user' | 'group'>> {
  user?: { id: string | number | bigint; name?: string | null } | null;
  group?: HostGroup | null;
}

/** The properties of an activity that decide on its user and visit. */
export interface Occasion {
  /** Milliseconds since 1970. */
  date: number;
  name: string | undefined;
  properties: Record<string, unknown> | undefined;
  /** The user that the caller passed. */
  user: User | null;
}

/** The context of an activity: user, session, visit, address and path of the request or job that tracks it. */
export interface Origin extends Omit<ActivityContext, 'at'> {
  referer: string | null;
  /** For the option `transform`; `undefined` if there is none. */
  request: unknown;
  /** Whether the activity belongs to another user than the request, so that the option `respect` does not apply. */
  isAboutAnother: boolean;
  /** How much of the address is stored; `undefined` outside of requests. */
  ipPolicy?: IpPolicy;
  /** Whether the user and the name of the group are stored; `undefined` outside of requests. */
  isUserStored?: boolean;
  /** Whether the visitor has agreed to be identified; not known outside of requests. */
  consent?: boolean | null;
  /** Whether the visit is from a signed cookie, and not set by the host's code. */
  isVisitOwn: boolean;
  /**
   * Finds the session and the visit of a visitor without a cookie; this queries the database.
   * @param timeout milliseconds
   */
  reserveVisit?(timeout: number): Promise<{ session: string; visit: string | null }>;
  /** Sets the session's cookie. Called when the activity will be stored. */
  setCookie(): void;
}

/** The source of the context of activities. */
export interface ContextSource {
  /**
   * Waits for what functions of the host decide about the request.
   * @returns a promise only if there is something to wait for
   */
  decided(): Promise<unknown> | undefined;

  /**
   * Waits for the keys in the database.
   * @throws UnavailableError if the database does not answer in time
   */
  ready(): Promise<unknown> | undefined;

  /** @returns `undefined` outside of requests and of `run` */
  findOrigin(occasion: Occasion): Origin | undefined;
}

/** Finds the context in which code runs. */
export abstract class CurrentContext implements ContextSource {
  abstract decided(): Promise<unknown> | undefined;

  abstract ready(): Promise<unknown> | undefined;

  abstract findOrigin(occasion: Occasion): Origin | undefined;

  /** @returns `undefined` outside of requests and of `run` */
  abstract snapshot(): ActivityContext | undefined;

  abstract run<T>(context: GivenContext, work: () => T): T;
}

/** Used by the command line, which has no requests. */
export class NoContext extends CurrentContext {
  decided(): undefined {}

  ready(): undefined {}

  findOrigin(): undefined {}

  snapshot(): undefined {}

  run<T>(_context: GivenContext, work: () => T): T {
    return work();
  }
}
