import type { IncomingHttpHeaders } from 'node:http';

/** The common properties of Express and Fastify requests that tracking needs. */
export interface TrackRequest {
  method: string;
  headers: IncomingHttpHeaders;
  body?: unknown;
  /** Follows the host's trust-proxy setting, as `protocol` does. */
  ip?: string;
  protocol?: string;
  /** Fastify 4 adds the port: see `parseHostname`. */
  hostname?: string;
  user?: unknown;
  socket?: { remoteAddress?: string | undefined };
  /** Fastify: Node's request, on which Express middleware such as `passport.session()` sets properties. */
  raw?: { user?: unknown };
}

/** Must be called as soon as a request arrives: when its client has gone, Node has the address only if it was read before. */
export function keepAddress({ socket }: Pick<TrackRequest, 'socket'>): void {
  void socket?.remoteAddress;
}

/** Seconds after which a rejected client may try again. */
export const RETRY_AFTER = '1';
