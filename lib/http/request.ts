import type { IncomingHttpHeaders } from 'node:http';

/** What Express and Fastify requests have in common, as far as tracking needs it. */
export interface TrackRequest {
  method: string;
  headers: IncomingHttpHeaders;
  body?: unknown;
  /** By the host's trust-proxy setting, as is the protocol. */
  ip?: string;
  protocol?: string;
  /** Fastify 4 adds the port: see `hostnameOf`. */
  hostname?: string;
  user?: unknown;
  /** Of Fastify: the request of Node, on which Express middleware such as `passport.session()` works. */
  raw?: { user?: unknown };
}
