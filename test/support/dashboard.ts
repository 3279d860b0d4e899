import { type CanActivate, type ExecutionContext, UnauthorizedException } from '@nestjs/common';
import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import type { Host } from './host.js';

/** Accepts ada, and identifies other users. */
export class AdaGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    const asked = context
      .switchToHttp()
      .getRequest<{ headers: Record<string, string | undefined>; user?: object }>();
    const name = asked.headers['x-user'];
    if (name === undefined) throw new UnauthorizedException();
    asked.user = { id: name, name };
    return name === 'ada';
  }
}

export const asAda = { 'X-User': 'ada' };
export const asEve = { 'X-User': 'eve' };

/** The requests of the page, below `/djaffar/dashboard`. */
export const DATA: [method: string, path: string][] = [
  ['GET', '/data/about'],
  ['GET', '/data/activities'],
  ['GET', '/data/activities/export?format=csv'],
  ['DELETE', '/data/activities?user=17'],
  ['GET', '/data/health'],
  ['GET', '/data/stats/overview'],
  ['GET', '/data/stats/series?measure=views&interval=day'],
  ['GET', '/data/stats/top?dimension=path'],
  ['GET', '/data/stats/live'],
  ['GET', '/data/stats/funnel?steps=[{"path":"/"}]'],
  ['GET', '/data/stats/retention'],
  ['GET', '/data/stats/journeys?start=/'],
  ['GET', '/data/stats/visits'],
  ['GET', '/data/stream'],
];

export interface Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** Sends a request without decompression or changes of the path, unlike `fetch`. */
export async function open(
  host: Host,
  path: string,
  headers: Record<string, string> = asAda,
  method = 'GET',
): Promise<IncomingMessage> {
  const { hostname, port } = new URL(host.url);
  const sent = request({ hostname, port, path, method, headers }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return response;
}

export async function ask(...asked: Parameters<typeof open>): Promise<Answer> {
  const response = await open(...asked);
  return { status: response.statusCode, headers: response.headers, body: await buffer(response) };
}

/** Returns the files that the page links. */
export function linksIn(page: string): string[] {
  return Array.from(page.matchAll(/(?:src|href)="([^"#]+)"/g), ([, url = '']) => url);
}
