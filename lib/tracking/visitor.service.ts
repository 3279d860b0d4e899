import { Inject, Injectable } from '@nestjs/common';
import { stringifySetCookie } from 'cookie';
import { type Settings, SETTINGS } from '../options/settings.js';
import type { KeyRing } from '../privacy/key-ring.js';
import { SigningKeys } from '../privacy/signing-keys.js';
import type { TrackRequest } from '../http/request.js';
import {
  type BrowserSession,
  isIn,
  newSession,
  readVisitor,
  sessionOfHost,
  type Visit,
  type Visitor,
  writeVisitor,
} from './visitor.js';

export const COOKIE_NAME = 'djaffar_session';

/** The session and the visit that a request belongs to, as its cookie or the host's own session tells. */
@Injectable()
export class VisitorService {
  private readonly attributes: string;
  private readonly secureAttributes: string;

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly keys: SigningKeys,
  ) {
    this.attributes = attributesOf(settings.session, false);
    this.secureAttributes = attributesOf(settings.session, true);
  }

  /**
   * For server code: what `ActivityService` takes to find, or track, the activities of whoever sent the request.
   * @returns empty for a visitor of whom nothing is known yet, and for every visitor without a session of the host's if the
   * database has not been reachable since the app was started
   */
  of(request: Pick<TrackRequest, 'headers'>): { session?: string; visit?: string } {
    const now = Date.now();
    const { session, visit } = this.known(request, now, this.keys.current);
    const isThere = visit && isIn(visit, now);
    return { ...(session && { session }), ...(isThere && { visit: visit.id }) };
  }

  /** @internal what signs the cookies, if it is loaded */
  get currentKeys(): KeyRing | undefined {
    return this.keys.current;
  }

  /**
   * @internal what signs the cookies; a promise only until it is loaded
   * @throws UnavailableError if the database does not answer in time
   */
  keyRing(): KeyRing | Promise<KeyRing> {
    return this.keys.current ?? this.keys.ready();
  }

  /**
   * @internal a new visitor gets a session, but has no visit yet
   * @param seed of a request that begins a session
   * @returns also the seed of the visit that the request may begin. For a known session it depends on the visit before alone:
   * requests that come together, of the browser and to the host's own routes, begin the same visit.
   */
  recognise(
    request: TrackRequest,
    now: number,
    keys: KeyRing,
    seed: string | undefined,
  ): BrowserSession & { visit: Visit | undefined; seed: string | undefined } {
    const { session, since = now, visit } = this.known(request, now, keys);
    if (session === undefined) return { session: newSession(seed), since, visit, seed };
    return { session, since, visit, seed: `${keys.seed(now)}\n${session}\n${visit?.id ?? ''}` };
  }

  /** @internal the value of a `Set-Cookie` header that renews the session */
  cookie(visitor: Visitor, request: TrackRequest, now: number, keys: KeyRing): string {
    const isHttps = request.protocol === 'https';
    const { session } = this.settings;
    const rest = visitor.since + session.absoluteMaxAge - now;
    const isCut = session.maxAge !== 'browser' && rest < session.maxAge;
    const whole = isHttps ? this.secureAttributes : this.attributes;
    const attributes = isCut ? attributesOf({ ...session, maxAge: rest }, isHttps) : whole;
    return `${COOKIE_NAME}=${writeVisitor(visitor, now, keys)}${attributes}`;
  }

  private known(
    request: Pick<TrackRequest, 'headers'>,
    now: number,
    keys: KeyRing | undefined,
  ): Partial<BrowserSession> & { visit?: Visit | undefined } {
    const maxAge = this.settings.session.absoluteMaxAge;
    const visitor = keys && latestOf(request.headers.cookie, now, keys, maxAge);
    const ofHost = this.settings.session.id?.(request);
    if (!ofHost) return visitor ?? {};
    const session = sessionOfHost(ofHost);
    return visitor?.session === session ? visitor : { session };
  }
}

/**
 * After a change of the option `session.sameSite` a browser sends two cookies, of which only one is renewed from then on:
 * the one that was seen last.
 */
function latestOf(
  header: string | undefined,
  now: number,
  keys: KeyRing,
  maxAge: number,
): ReturnType<typeof readVisitor> {
  let latest: ReturnType<typeof readVisitor>;
  for (const cookie of header?.split(/; */) ?? []) {
    if (!cookie.startsWith(`${COOKIE_NAME}=`)) continue;
    const visitor = readVisitor(cookie.slice(COOKIE_NAME.length + 1).trim(), now, keys, maxAge);
    if (visitor && (!latest || seen(visitor) > seen(latest))) latest = visitor;
  }
  return latest;
}

function seen({ visit }: NonNullable<ReturnType<typeof readVisitor>>): number {
  return visit?.lastSeen ?? 0;
}

/** What stands behind the value, which needs no encoding, in the `Set-Cookie` header. */
function attributesOf({ maxAge, sameSite }: Settings['session'], isHttps: boolean): string {
  const isNone = sameSite === 'none';
  const cookie = stringifySetCookie(COOKIE_NAME, '', {
    path: '/',
    httpOnly: true,
    sameSite,
    // Browsers take `SameSite=None` only with `Secure`, which they accept from localhost over HTTP too.
    secure: isHttps || isNone,
    partitioned: isNone,
    ...(maxAge === 'browser' ? {} : { maxAge: Math.floor(maxAge / 1000) }),
  });
  return cookie.slice(`${COOKIE_NAME}=`.length);
}
