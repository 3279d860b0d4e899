import { type TrackRequest, RETRY_AFTER } from '../http/request.js';

/** Properties of requests of Express and Fastify. */
export interface ContextRequest extends TrackRequest {
  url?: string;
  /** Express, and rewritten requests of Fastify. */
  originalUrl?: string;
  /** Express: the path at which a router is mounted. */
  baseUrl?: string;
  /** Express, after routing. */
  route?: { path?: unknown };
  /** Fastify. */
  routeOptions?: { url?: string };
}

/** Properties of responses of Express and Fastify. */
export interface ContextResponse {
  getHeader(name: string): number | string | string[] | undefined;
  removeHeader(name: string): unknown;
  headersSent?: boolean;
  setHeader?(name: string, value: string | string[]): unknown;
  /** Fastify. */
  raw?: { headersSent: boolean };
  header?(name: string, value: string | string[]): unknown;
}

/** @returns the requested path without its query string */
export function parsePath({ originalUrl, url }: ContextRequest): string | null {
  return (originalUrl ?? url)?.split(/[?#]/, 1)[0] || null;
}

/** @returns the pattern of the handler's path; `null` before routing */
export function readRoute({ baseUrl = '', route, routeOptions }: ContextRequest): string | null {
  if (routeOptions) return routeOptions.url ?? null;
  return typeof route?.path === 'string' ? baseUrl + route.path : null;
}

/** Asks the client to retry in a second. Does nothing if the answer has started. */
export function setRetryAfter(response: ContextResponse): void {
  if (isStarted(response)) return;
  if (response.raw) response.header?.('Retry-After', RETRY_AFTER);
  else response.setHeader?.('Retry-After', RETRY_AFTER);
}

/** Sets a cookie, and replaces an earlier one of the same name. Does nothing if the answer has started. */
export function setCookie(response: ContextResponse, name: string, cookie: string): void {
  if (isStarted(response)) return;
  const others = [response.getHeader('set-cookie') ?? []]
    .flat()
    .map(String)
    .filter((each) => !each.startsWith(`${name}=`));
  const cookies = [...others, cookie];
  if (!response.raw) {
    response.setHeader?.('set-cookie', cookies);
    return;
  }
  // Fastify would append to the existing header.
  response.removeHeader('set-cookie');
  response.header?.('set-cookie', cookies);
}

function isStarted({ raw, headersSent = false }: ContextResponse): boolean {
  return raw?.headersSent ?? headersSent;
}
