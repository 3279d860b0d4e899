import { Inject, Injectable } from '@nestjs/common';
import { stringifySetCookie } from 'cookie';
import { type Settings, SETTINGS } from '../options/settings.js';
import type { KeyRing } from '../privacy/key-ring.js';
import { decide, type PrivacyDecision, undecided } from '../privacy/privacy-modes.js';
import { SigningKeys } from '../privacy/signing-keys.js';
import { findCountry } from '../activity/country.js';
import { storedIp } from '../activity/ip-address.js';
import { parseLanguage } from '../activity/language.js';
import { restrictIpPolicy } from '../activity/privacy.js';
import type { SessionSource } from '../activity/session.js';
import type { TrackRequest } from '../http/request.js';
import { RequestValue } from '../http/request-value.js';
import { type Reservation, CookielessVisitors } from './cookieless-visitors.js';
import {
  type BrowserSession,
  isIn,
  type Moment,
  newSession,
  readVisitor,
  sessionOfHost,
  type Visit,
  type Visitor,
  writeVisitor,
} from './visitor.js';

export const COOKIE_NAME = 'djaffar_session';

/**
 * Finds the session and the visit of a request, by its cookie or by the host's own session.
 *
 * @example
 * ```ts
 * import { Controller, Get, Req } from '@nestjs/common';
 * import { type Activity, ActivityService, VisitorService } from 'nestjs-djaffar';
 *
 * @Controller()
 * export class MyActivityController {
 *   constructor(
 *     private readonly visitors: VisitorService,
 *     private readonly activities: ActivityService,
 *   ) {}
 *
 *   @Get('my-activity')
 *   async find(@Req() request: { headers: Record<string, string> }): Promise<Activity[]> {
 *     const { session } = this.visitors.of(request);
 *     // Without a session, `find` would return everybody's activities.
 *     return session ? (await this.activities.find({ session })).items : [];
 *   }
 * }
 * ```
 */
@Injectable()
export class VisitorService {
  private readonly attributes: string;
  private readonly secureAttributes: string;
  /** The decisions of requests that had to wait for a promise. */
  private readonly decisions = new RequestValue<PrivacyDecision>('privacy decision');

  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly keys: SigningKeys,
    private readonly cookieless: CookielessVisitors,
  ) {
    this.attributes = formatAttributes(settings.session, false);
    this.secureAttributes = formatAttributes(settings.session, true);
  }

  /**
   * Returns the session and the visit of a request, as `ActivityService` takes them.
   * @returns `{}` for a new visitor. If the option `privacy` or `consent` returns a promise, also `{}` until the request has waited for it,
   * which it does when it tracks something. If the database has not been reachable since the application started, also `{}` for every visitor
   * without a session of the host.
   */
  of(request: Pick<TrackRequest, 'headers'>): { session?: string; visit?: string } {
    const { mode } = this.findDecision(request);
    if (mode === 'cookieless' || mode === 'nothing') return {};
    const now = Date.now();
    const { session, visit } = this.readCookie(request, now, this.keys.current);
    const isThere = visit && isIn(visit, now);
    return { ...(session && { session }), ...(isThere && { visit: visit.id }) };
  }

  /** @internal what may be stored of a request: a promise only if a function of the host returns one */
  decide(request: object): PrivacyDecision | Promise<PrivacyDecision> {
    const known = this.decisions.get(request);
    if (known) return known;
    const decision = decide(request, this.settings);
    if (!(decision instanceof Promise)) return decision;
    return decision.then((decided) => {
      this.decisions.set(request, decided);
      return decided;
    });
  }

  /** @internal the same without waiting; if nothing has waited for the promise yet, the decision for a visitor who has agreed to nothing */
  findDecision(request: object): PrivacyDecision {
    const known = this.decisions.get(request);
    if (known) return known;
    const decision = decide(request, this.settings);
    if (!(decision instanceof Promise)) return decision;
    decision.catch(() => {});
    return undecided(this.settings);
  }

  /** @internal the address as it may be stored */
  toStoredIp(ip: string | undefined, mode: PrivacyDecision['mode']): string | null {
    return storedIp(ip, restrictIpPolicy(mode, this.settings.ip));
  }

  /** @internal the request's data that are stored with a new session */
  readSessionSource({ headers, ip }: Pick<TrackRequest, 'headers' | 'ip'>): SessionSource {
    return {
      userAgent: headers['user-agent'] ?? null,
      country: findCountry(this.settings.geo, { headers, ip }),
      language: parseLanguage(headers['accept-language']),
    };
  }

  /**
   * @internal the session and visits of a request without a cookie
   * @param timeout milliseconds
   * @throws UnavailableError
   */
  reserve(
    request: TrackRequest,
    moments: Moment[],
    user: string | undefined,
    timeout: number,
  ): Promise<Reservation> {
    return this.cookieless.reserve(request, moments, user, timeout);
  }

  /** @internal the value of a `Set-Cookie` header that removes the cookie, if the request has one */
  removal(request: TrackRequest): string | undefined {
    if (!hasCookie(request)) return undefined;
    return stringifySetCookie(COOKIE_NAME, '', {
      ...cookieOptions(this.settings.session, request.protocol === 'https'),
      maxAge: 0,
    });
  }

  /** @internal the session of the cookie, whatever the visitor has agreed to */
  sessionOfCookie(request: TrackRequest, keys: KeyRing): string | undefined {
    return hasCookie(request) ? this.readCookie(request, Date.now(), keys).session : undefined;
  }

  /** @internal the keys that sign the cookies, if they are loaded */
  get currentKeys(): KeyRing | undefined {
    return this.keys.current;
  }

  /**
   * @internal the keys that sign the cookies; a promise only until they are loaded
   * @throws UnavailableError if the database does not answer in time
   */
  keyRing(): KeyRing | Promise<KeyRing> {
    return this.keys.current ?? this.keys.ready();
  }

  /**
   * @internal A new visitor gets a session, but no visit yet.
   * @param idempotencySeed see {@link newSession}
   * @returns also the idempotencySeed of the visit that the request may begin. For a known session it depends only on the latest visit,
   * so that simultaneous requests of the browser and to the host's own routes begin the same visit.
   */
  resolveVisitor(
    request: TrackRequest,
    now: number,
    keys: KeyRing,
    idempotencySeed: string | undefined,
  ): BrowserSession & { visit: Visit | undefined; idempotencySeed: string | undefined } {
    const { session, since = now, visit } = this.readCookie(request, now, keys);
    if (session === undefined) return { session: newSession(idempotencySeed), since, visit, idempotencySeed };
    return { session, since, visit, idempotencySeed: `${keys.seed(now)}\n${session}\n${visit?.id ?? ''}` };
  }

  /** @internal the value of a `Set-Cookie` header that renews the session */
  cookie(visitor: Visitor, request: TrackRequest, now: number, keys: KeyRing): string {
    const isHttps = request.protocol === 'https';
    const { session } = this.settings;
    const rest = visitor.since + session.absoluteMaxAge - now;
    const isCut = session.maxAge !== 'browser' && rest < session.maxAge;
    const whole = isHttps ? this.secureAttributes : this.attributes;
    const attributes = isCut ? formatAttributes({ ...session, maxAge: rest }, isHttps) : whole;
    return `${COOKIE_NAME}=${writeVisitor(visitor, now, keys)}${attributes}`;
  }

  private readCookie(
    request: Pick<TrackRequest, 'headers'>,
    now: number,
    keys: KeyRing | undefined,
  ): Partial<BrowserSession> & { visit?: Visit | undefined } {
    const maxAge = this.settings.session.absoluteMaxAge;
    const visitor = keys && findLatestVisitor(request.headers.cookie, now, keys, maxAge);
    const ofHost = this.settings.session.id?.(request);
    if (!ofHost) return visitor ?? {};
    const session = sessionOfHost(ofHost);
    return visitor?.session === session ? visitor : { session };
  }
}

/**
 * Returns the visitor of the cookie that was renewed last. After a change of the option `session.sameSite`, a browser sends
 * two cookies, only one of which is still renewed.
 */
function findLatestVisitor(
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

/** Returns the attributes of the `Set-Cookie` header. The value before them needs no encoding. */
function formatAttributes({ maxAge, sameSite }: Settings['session'], isHttps: boolean): string {
  const cookie = stringifySetCookie(COOKIE_NAME, '', {
    ...cookieOptions({ sameSite }, isHttps),
    ...(maxAge === 'browser' ? {} : { maxAge: Math.floor(maxAge / 1000) }),
  });
  return cookie.slice(`${COOKIE_NAME}=`.length);
}

type CookieOptions = Pick<
  NonNullable<Parameters<typeof stringifySetCookie>[2]>,
  'path' | 'httpOnly' | 'sameSite' | 'secure' | 'partitioned'
>;

function cookieOptions({ sameSite }: Pick<Settings['session'], 'sameSite'>, isHttps: boolean): CookieOptions {
  const isNone = sameSite === 'none';
  return {
    path: '/',
    httpOnly: true,
    sameSite,
    // Browsers take `SameSite=None` only with `Secure`, which they accept from localhost over HTTP too.
    secure: isHttps || isNone,
    partitioned: isNone,
  };
}

function hasCookie({ headers }: Pick<TrackRequest, 'headers'>): boolean {
  return new RegExp(String.raw`(?:^|;\s*)${COOKIE_NAME}=`).test(headers.cookie ?? '');
}
