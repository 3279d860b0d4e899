import { type CanActivate, type ExecutionContext, ForbiddenException, Injectable } from '@nestjs/common';
import type { IncomingHttpHeaders } from 'node:http';

interface HostRequest {
  headers: IncomingHttpHeaders;
  /** With the port. By the host's trust-proxy setting, as anybody may send an `X-Forwarded-Host`. */
  host: string;
}

/** Refuses what a browser sends for another site's page: its cookies come along. What is no browser tells nothing of the kind. */
@Injectable()
export class SameOriginGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (isOfOwnPage(context.switchToHttp().getRequest<HostRequest>())) return true;
    throw new ForbiddenException('asked by the page of another site');
  }
}

function isOfOwnPage({ headers, host }: HostRequest): boolean {
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
