import { type CanActivate, type ExecutionContext, ForbiddenException, Injectable } from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';
import { hostOf } from '../http/host.js';

/** Refuses what a browser sends for a page of another origin, as its cookies come along. Other clients do not say for whom they ask. */
@Injectable()
export class SameOriginGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const request = context.switchToHttp().getRequest<{ headers: IncomingHttpHeaders; hostname?: string }>();
    if (isOfOwnPage(request.headers, hostOf(request))) return true;
    throw new ForbiddenException('asked by the page of another site');
  }
}

/** @param host what was asked, with its port */
export function isOfOwnPage(headers: IncomingHttpHeaders, host: string | undefined): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  // Older browsers, and all of them where there is no HTTPS.
  const { origin } = headers;
  if (origin === undefined) return true;
  const { protocol, host: asking } = URL.canParse(origin) ? new URL(origin) : { protocol: '', host: '' };
  // The proxy before us may speak HTTPS for us, so the schemes are not compared; the default port goes without saying.
  const asked = `${protocol}//${host}`;
  return asking !== '' && URL.canParse(asked) && new URL(asked).host === asking;
}
