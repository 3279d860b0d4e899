import type { IncomingHttpHeaders } from 'node:http';

/** Common to Express 4 and 5 and Fastify 4 and 5. */
interface HostRequest {
  headers: IncomingHttpHeaders;
  /** Follows the host's trust-proxy setting. Fastify 4 adds the port. */
  hostname?: string;
}

/** Returns the name of the requested host, without a port. */
export function parseHostname({ hostname }: Pick<HostRequest, 'hostname'>): string | undefined {
  return hostname === undefined ? undefined : stripPort(hostname);
}

/**
 * Returns the requested host, with the port if the client sent one. Express 4 has the port only in the header. The header is
 * used only if it agrees with `hostname`, because the adapter follows the host's trust-proxy setting.
 */
export function parseHost(request: HostRequest): string | undefined {
  const name = parseHostname(request);
  const { 'x-forwarded-host': forwarded = '', host = '' } = request.headers;
  const named = [...String(forwarded).split(','), host].map((each) => each.trim());
  return named.find((each) => stripPort(each) === name) ?? name;
}

function stripPort(host: string): string {
  return host.replace(/:\d+$/, '').toLowerCase();
}
