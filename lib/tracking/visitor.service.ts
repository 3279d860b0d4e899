import { Inject, Injectable } from '@nestjs/common';
import { parseCookie, stringifySetCookie } from 'cookie';
import { type Settings, SETTINGS } from '../djaffar.options.js';
import type { TrackRequest } from './request.js';
import {
  isIn,
  newSession,
  readVisitor,
  sessionOfHost,
  type Visit,
  type Visitor,
  writeVisitor,
} from './visitor.js';

const NAME = 'djaffar_session';

/** The session and the visit that a request belongs to, as its cookie or the host's own session tells. */
@Injectable()
export class VisitorService {
  private readonly attributes: string;
  private readonly secureAttributes: string;

  constructor(@Inject(SETTINGS) private readonly settings: Settings) {
    this.attributes = attributesOf(settings.session.maxAge, false);
    this.secureAttributes = attributesOf(settings.session.maxAge, true);
  }

  /**
   * For server code: what `ActivityService` takes to find, or track, the activities of whoever sent the request.
   * @returns empty for a visitor of whom nothing is known yet
   */
  of(request: Pick<TrackRequest, 'headers'>): { session?: string; visit?: string } {
    const now = Date.now();
    const { session, visit } = this.known(request, now);
    const isThere = visit && isIn(visit, now);
    return { ...(session && { session }), ...(isThere && { visit: visit.id }) };
  }

  /** @internal a new visitor gets a session, but has no visit yet */
  recognise(
    request: TrackRequest,
    now: number,
    seed: string | undefined,
  ): { session: string; visit: Visit | undefined } {
    const { session = newSession(seed), visit } = this.known(request, now);
    return { session, visit };
  }

  /** @internal the value of a `Set-Cookie` header that renews the session */
  cookie(visitor: Visitor, request: TrackRequest): string {
    return `${NAME}=${writeVisitor(visitor)}${request.protocol === 'https' ? this.secureAttributes : this.attributes}`;
  }

  private known(
    request: Pick<TrackRequest, 'headers'>,
    now: number,
  ): { session?: string; visit?: Visit | undefined } {
    const visitor = readVisitor(parseCookie(request.headers.cookie ?? '')[NAME], now);
    const ofHost = this.settings.session.id?.(request);
    if (!ofHost) return visitor ?? {};
    const session = sessionOfHost(ofHost);
    return visitor?.session === session ? visitor : { session };
  }
}

/** What stands behind the value, which needs no encoding, in the `Set-Cookie` header. */
function attributesOf(maxAge: Settings['session']['maxAge'], secure: boolean): string {
  const cookie = stringifySetCookie(NAME, '', {
    path: '/',
    httpOnly: true,
    sameSite: 'lax',
    secure,
    ...(maxAge === 'browser' ? {} : { maxAge: Math.floor(maxAge / 1000) }),
  });
  return cookie.slice(`${NAME}=`.length);
}
