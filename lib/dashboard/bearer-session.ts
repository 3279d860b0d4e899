import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { deflateRawSync, inflateRawSync } from 'node:zlib';
import { parseCookie, stringifySetCookie } from 'cookie';
import type { BearerSessionOptions } from '../options/route.options.js';
import { isOfOwnPage } from '../guards/same-origin.guard.js';
import { HOUR } from '../time/units.js';

const NAME = 'djaffar_dashboard';
const ALGORITHM = 'aes-256-gcm';
const IV_LENGTH = 12;
const TAG_LENGTH = 16;
/** Browsers drop cookies of more than 4,096 bytes, attributes included. */
const MAX_COOKIE = 4000;

/**
 * A cookie that replaces the `Authorization` header, because browsers open a page without one. It contains the encrypted
 * header, so it works on any number of instances and is useless elsewhere. The host's guards check the header with each
 * request.
 */
export class BearerSession {
  private readonly keys: Buffer[];
  private readonly maxAge: number;
  /** Headers of requests whose token is from the cookie. */
  private readonly authorized = new WeakSet<IncomingHttpHeaders>();

  constructor(options: BearerSessionOptions | undefined) {
    const secrets = options ? [options.secret].flat() : [];
    this.keys = secrets.map((secret) =>
      Buffer.from(hkdfSync('sha256', secret, '', 'djaffar dashboard session', 32)),
    );
    this.maxAge = options?.maxAge ?? HOUR;
  }

  /** Whether the host has set the option. */
  get isOn(): boolean {
    return this.keys.length > 0;
  }

  /**
   * Returns the value of a `Set-Cookie` header, or `undefined` if a browser would drop it. It has no path, so that the
   * browser uses the folder of its URL, even if a proxy changes the path.
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

  /** Sets the header from the cookie, unless the request has a header or comes from a page of another origin. */
  authorize(headers: IncomingHttpHeaders, method: string): void {
    if (!this.isOn || headers.authorization !== undefined || !mayUse(headers, method)) return;
    const cookie = parseCookie(headers.cookie ?? '')[NAME];
    const [, expires, authorization] = /^(\d+)\n(.+)$/s.exec(this.open(cookie) ?? '') ?? [];
    if (!authorization || Number(expires) <= Date.now()) return;
    headers.authorization = authorization;
    this.authorized.add(headers);
  }

  /** Whether {@link authorize} has set the header; a cookie must not renew itself. */
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

  /** Returns `undefined` if the cookie was not encrypted with one of the keys. */
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
        // Encrypted with another key, or not at all.
      }
    }
    return undefined;
  }
}

/** Whether the cookie may be used: navigation may come from any site, requests for data only from the dashboard itself. */
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
