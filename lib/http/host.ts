import type { IncomingHttpHeaders } from 'node:http';

/** What Express 4 and 5 and Fastify 4 and 5 have in common. */
interface HostRequest {
  headers: IncomingHttpHeaders;
  /** By the host's trust-proxy setting. Fastify 4 adds the port. */
  hostname?: string;
}

/** Returns the name of the host that was asked, without a port. */
export function hostnameOf({ hostname }: Pick<HostRequest, 'hostname'>): string | undefined {
  return hostname === undefined ? undefined : nameOf(hostname);
}

/**
 * Returns the host that was asked, with the port if the client named one: Express 4 has no port anywhere but in the header.
 * A header counts only if it agrees with the name, which the adapter has taken from a proxy that it trusts.
 */
export function hostOf(request: HostRequest): string | undefined {
  const name = hostnameOf(request);
  const { 'x-forwarded-host': forwarded = '', host = '' } = request.headers;
  const named = [...String(forwarded).split(','), host].map((each) => each.trim());
  return named.find((each) => nameOf(each) === name) ?? name;
}

function nameOf(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}
