import type { User } from './user.js';

/** Who does something, and where, as plain JSON: what a job needs to go on in the name of the request that queued it. */
export interface ActivityContext {
  /** `null` if nobody is logged in, or it is not known who. */
  user: User | null;
  /** As in `Activity.sessionId`; `null` for a visitor of whom nothing is stored yet. */
  session: string | null;
  /** As in `Activity.visitId`. An activity 30 minutes or more after `at` does not belong to it. */
  visit: string | null;
  /** As much of it as the option `ip` allows. */
  ip: string | null;
  userAgent: string | null;
  /** Without its query string, which may hold secrets. */
  path: string | null;
  /** The pattern of the handler's path, with the prefix and the version, such as `/v1/orders/:id/pay`. */
  route: string | null;
  /** When the context was taken, as ISO 8601. */
  at: string;
  /** Whether nothing is stored in this context: the visitor asks not to be tracked, and the option `respect` is `drop`. */
  isDropped?: boolean;
}

/** What `runAs` takes: a context that was taken elsewhere, or what is known of who works. */
export interface GivenContext extends Partial<Omit<ActivityContext, 'user'>> {
  user?: { id: string | number | bigint; name?: string | null } | null;
}

/** What decides to whom, and to which visit, an activity belongs. */
export interface Occasion {
  /** Milliseconds since 1970. */
  date: number;
  path: string | undefined;
  name: string | undefined;
  properties: Record<string, unknown> | undefined;
  /** Whom the caller named. */
  user: User | null;
}

/** The context of an activity: user, session, visit, address and path of the request or job that tracks it. */
export interface Origin extends Omit<ActivityContext, 'at'> {
  referer: string | null;
  /** For the option `transform`; `undefined` if there is none. */
  request: unknown;
  /** Whether the activity is of somebody else than whoever sent the request, so that the option `respect` does not apply. */
  isAboutAnother: boolean;
  /** Whether the visit is that of a signed cookie, and not one that the host's code has chosen. */
  isVisitOwn: boolean;
  /** Gives the visitor the session's cookie. To be called when the activity is to be stored. */
  keep(): void;
}

/** What activities take from where they are tracked. */
export interface ContextSource {
  /**
   * @returns a promise only if there is something to wait for
   * @throws UnavailableError if the database does not answer in time
   */
  ready(): Promise<unknown> | undefined;

  /** @returns `undefined` outside of requests and of `run` */
  originOf(occasion: Occasion): Origin | undefined;
}

/** Knows where code runs. */
export abstract class CurrentContext implements ContextSource {
  abstract ready(): Promise<unknown> | undefined;

  abstract originOf(occasion: Occasion): Origin | undefined;

  /** @returns `undefined` outside of requests and of `run` */
  abstract take(): ActivityContext | undefined;

  abstract run<T>(context: GivenContext, work: () => T): T;
}

/** For the command line, which has no requests. */
export class NoContext extends CurrentContext {
  ready(): undefined {}

  originOf(): undefined {}

  take(): undefined {}

  run<T>(_context: GivenContext, work: () => T): T {
    return work();
  }
}
