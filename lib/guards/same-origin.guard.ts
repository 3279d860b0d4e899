import { type CanActivate, type ExecutionContext, ForbiddenException, Injectable } from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import { parseHost } from '../http/host.js';

/** Refuses requests that a browser sends for a page of another origin, because they carry its cookies. */
@Injectable()
export class SameOriginGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: IncomingHttpHeaders; hostname?: string }>();
    if (isOfOwnPage(request.headers, parseHost(request))) return true;
    throw new ForbiddenException('cross-site request refused');
  }
}

/**
 * True if a request comes from a page of this host, or from a client that sends no origin.
 * @param host the requested host, with its port
 */
export function isOfOwnPage(headers: IncomingHttpHeaders, host: string | undefined): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  // Older browsers, and all browsers without HTTPS, send only the origin.
  const { origin } = headers;
  if (origin === undefined) return true;
  if (!URL.canParse(origin)) return false;
  const { protocol, host: asking } = new URL(origin);
  // Schemes are not compared, because a proxy may speak HTTPS for us. URL removes the default port.
  const asked = `${protocol}//${host}`;
  return asking !== '' && URL.canParse(asked) && new URL(asked).host === asking;
}
