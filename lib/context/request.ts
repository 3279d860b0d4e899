import type { TrackRequest } from '../http/request.js';
import { RETRY_AFTER } from '../http/retry-after.js';

/** What Express and Fastify know of any request. */
export interface ContextRequest extends TrackRequest {
  url?: string;
  /** Of Express, and of Fastify's rewritten requests. */
  originalUrl?: string;
  /** Of Express: where a router is mounted. */
  baseUrl?: string;
  /** Of Express, once the handler is known. */
  route?: { path?: unknown };
  /** Of Fastify. */
  routeOptions?: { url?: string };
}

/** What both have in common of a response. */
export interface ContextResponse {
  getHeader(name: string): number | string | string[] | undefined;
  removeHeader(name: string): unknown;
  headersSent?: boolean;
  setHeader?(name: string, value: string | string[]): unknown;
  /** Of Fastify. */
  raw?: { headersSent: boolean };
  header?(name: string, value: string | string[]): unknown;
}

/** @returns the path that was asked for, without its query string */
export function pathOf({ originalUrl, url }: ContextRequest): string | null {
  return (originalUrl ?? url)?.split(/[?#]/, 1)[0] || null;
}

/** @returns the pattern of the handler's path; `null` before the handler is known */
export function routeOf({ baseUrl = '', route, routeOptions }: ContextRequest): string | null {
  if (routeOptions) return routeOptions.url ?? null;
  return typeof route?.path === 'string' ? baseUrl + route.path : null;
}

/** Asks the client to try again in a second. Does nothing if the answer has begun. */
export function setRetryAfter(response: ContextResponse): void {
  if (isBegun(response)) return;
  if (response.raw) response.header?.('Retry-After', RETRY_AFTER);
  else response.setHeader?.('Retry-After', RETRY_AFTER);
}

/** Sets a cookie, in place of one of that name that was set before. Does nothing if the answer has begun. */
export function setCookie(response: ContextResponse, name: string, cookie: string): void {
  if (isBegun(response)) return;
  const others = [response.getHeader('set-cookie') ?? []]
    .flat()
    .map(String)
    .filter((each) => !each.startsWith(`${name}=`));
  const cookies = [...others, cookie];
  if (!response.raw) {
    response.setHeader?.('set-cookie', cookies);
    return;
  }
  // Fastify would add it to those that are there.
  response.removeHeader('set-cookie');
  response.header?.('set-cookie', cookies);
}

function isBegun({ raw, headersSent = false }: ContextResponse): boolean {
  return raw?.headersSent ?? headersSent;
}
