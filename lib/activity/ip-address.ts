import { isIP, isIPv4 } from 'node:net';
import ipaddr from 'ipaddr.js';

/** How much of an IP address is stored. */
export type IpPolicy = 'full' | 'masked' | 'none';

/** An address with a port, IPv6 in brackets: the format in which Azure's proxies write `X-Forwarded-For`. */
const WITH_PORT = /^(?:\[([^\]]+)\]|([^:]+))(?::\d{1,5})?$/;

/**
 * Returns an address in its stored form: IPv4-mapped IPv6 as IPv4, other IPv6 as of RFC 5952, without a zone or a port.
 * `masked` zeroes the last octet of IPv4 and the last 80 bits of IPv6.
 * @returns `null` if it is not an address; behind a trusted proxy it comes from a header.
 */
export function storedIp(address: string | undefined, policy: IpPolicy = 'full'): string | null {
  if (policy === 'none' || !address) return null;
  // By far the most frequent case, and nothing has to be changed.
  if (policy === 'full' && isIPv4(address)) return address;
  const [, ipv6, ipv4] = isIP(address) ? [] : (WITH_PORT.exec(address) ?? []);
  const bare = ipv6 ?? ipv4 ?? address;
  if (!isIP(bare) || (ipv6 !== undefined && isIPv4(ipv6))) return null;
  const parsed = ipaddr.process(bare.replace(/%.*$/, ''));
  if (policy === 'full') return parsed.toString();
  const bytes = parsed.toByteArray();
  return ipaddr.fromByteArray(bytes.fill(0, bytes.length === 4 ? 3 : 6)).toString();
}

/** True for an address of the internet, as opposed to one of a private network or of this machine. */
export function isPublic(address: string | undefined): boolean {
  const stored = storedIp(address);
  return stored !== null && ipaddr.process(stored).range() === 'unicast';
}
