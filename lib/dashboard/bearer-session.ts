import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { BearerSessionOptions } from '../options/djaffar.options.js';
import { isOfOwnPage } from '../guards/same-origin.guard.js';

const NAME = 'djaffar_dashboard';
const ALGORITHM = 'aes-256-gcm';
const IV_LENGTH = 12;
const TAG_LENGTH = 16;
/** Milliseconds. */
const HOUR = 3_600_000;
/** Browsers drop cookies of more than 4,096 bytes, attributes included. */
const MAX_COOKIE = 4000;

/**
 * A cookie that stands for an `Authorization` header, for browsers, which open a page without one. It holds the header
 * encrypted, so it works on any number of instances, is worth nothing elsewhere, and the host's guards are asked with
 * the header itself each time.
 */
export class BearerSession {
  private readonly keys: Buffer[];
  private readonly maxAge: number;
  /** The headers of requests whose token is from the cookie. */
  private readonly authorized = new WeakSet<IncomingHttpHeaders>();

  constructor(options: BearerSessionOptions | undefined) {
    const secrets = options ? [options.secret].flat() : [];
    this.keys = secrets.map((secret) =>
      Buffer.from(hkdfSync('sha256', secret, '', 'djaffar dashboard session', 32)),
    );
    this.maxAge = options?.maxAge ?? HOUR;
  }

  /** True if the host has turned it on. */
  get isOn(): boolean {
    return this.keys.length > 0;
  }

  /**
   * Returns the value of a `Set-Cookie` header, or `undefined` if a browser would drop it. It has no path: the browser
   * takes the folder that it asked, whatever a proxy makes of it.
   */
  cookieFor(authorization: string, isSecure: boolean): string | undefined {
    const value = this.seal(`${Date.now() + this.maxAge}\n${authorization}`);
    const cookie = setCookie(value, this.maxAge, isSecure);
    return cookie.length > MAX_COOKIE ? undefined : cookie;
  }

  /** Returns the value of a `Set-Cookie` header that ends the session. */
  endCookie(isSecure: boolean): string {
    return setCookie('', 0, isSecure);
  }

  /** Gives a request the header that its cookie stands for, unless it has its own or comes from another origin's page. */
  authorize(headers: IncomingHttpHeaders, method: string): void {
    if (!this.isOn || headers.authorization !== undefined || !mayUse(headers, method)) return;
    const cookie = parseCookie(headers.cookie ?? '')[NAME];
    const [, expires, authorization] = /^(\d+)\n(.+)$/s.exec(this.open(cookie) ?? '') ?? [];
    if (!authorization || Number(expires) <= Date.now()) return;
    headers.authorization = authorization;
    this.authorized.add(headers);
  }

  /** True if {@link authorize} has set the header: a cookie must not renew itself. */
  isFromCookie(headers: IncomingHttpHeaders): boolean {
    return this.authorized.has(headers);
  }

  private seal(text: string): string {
    const [key] = this.keys;
    if (!key) throw new Error('Djaffar: the option "dashboard.session" is not set');
    const iv = randomBytes(IV_LENGTH);
    const cipher = createCipheriv(ALGORITHM, key, iv, { authTagLength: TAG_LENGTH });
    const content = Buffer.concat([cipher.update(deflateRawSync(text)), cipher.final()]);
    return Buffer.concat([iv, cipher.getAuthTag(), content]).toString('base64url');
  }

  /** Returns `undefined` for what was not sealed with one of the keys. */
  private open(cookie: string | undefined): string | undefined {
    const sealed = Buffer.from(cookie ?? '', 'base64url');
    if (sealed.length <= IV_LENGTH + TAG_LENGTH) return undefined;
    const iv = sealed.subarray(0, IV_LENGTH);
    const tag = sealed.subarray(IV_LENGTH, IV_LENGTH + TAG_LENGTH);
    const content = sealed.subarray(IV_LENGTH + TAG_LENGTH);
    for (const key of this.keys) {
      try {
        const decipher = createDecipheriv(ALGORITHM, key, iv, { authTagLength: TAG_LENGTH });
        decipher.setAuthTag(tag);
        return inflateRawSync(Buffer.concat([decipher.update(content), decipher.final()])).toString();
      } catch {
        // Sealed with another key, or with none.
      }
    }
    return undefined;
  }
}

/** A link may lead here from anywhere; data are for the dashboard's own page. */
function mayUse(headers: IncomingHttpHeaders, method: string): boolean {
  const isNavigation = method === 'GET' && headers['sec-fetch-mode'] === 'navigate';
  return isNavigation || isOfOwnPage(headers, headers.host);
}

function setCookie(value: string, maxAge: number, secure: boolean): string {
  return stringifySetCookie(NAME, value, {
    httpOnly: true,
    sameSite: 'lax',
    secure,
    maxAge: Math.floor(maxAge / 1000),
  });
}
