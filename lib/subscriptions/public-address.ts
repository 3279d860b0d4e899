import { type LookupAddress } from 'node:dns';
import { lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { DeliveryError } from './delivery.error.js';

/** Address ranges outside of the public internet, from IANA's registries of special addresses. */
const SPECIAL: [address: string, prefix: number][] = [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  // Azure's platform, which virtual machines reach from inside.
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
];

/** The only addresses of IPv6 that are assigned to the public internet. */
const GLOBAL_UNICAST: [address: string, prefix: number] = ['2000::', 3];

/** Parts of that range that are not public, or whose addresses contain an IPv4 address, which may be private. */
const SPECIAL_IPV6: [address: string, prefix: number][] = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const special = new BlockList();
for (const [address, prefix] of SPECIAL) special.addSubnet(address, prefix, 'ipv4');
for (const [address, prefix] of SPECIAL_IPV6) special.addSubnet(address, prefix, 'ipv6');
const globalUnicast = new BlockList();
globalUnicast.addSubnet(...GLOBAL_UNICAST, 'ipv6');

/** Whether an address is on the public internet. */
export function isPublic(address: string): boolean {
  const family = isIP(address);
  if (family === 4) return !special.check(address, 'ipv4');
  return family === 6 && globalUnicast.check(address, 'ipv6') && !special.check(address, 'ipv6');
}

/** The network interfaces of this machine, by name. */
type Interfaces = Record<string, NetworkInterfaceInfo[] | undefined>;

/** Whether an address is one of this machine: a server can also reach itself at its public address. */
function isOfThisMachine(address: string, interfaces: Interfaces): boolean {
  const own = new BlockList();
  for (const each of Object.values(interfaces).flatMap((all) => all ?? []))
    own.addAddress(each.address, each.family === 'IPv6' ? 'ipv6' : 'ipv4');
  return own.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/**
 * Resolves a host name once. The connection uses these addresses, so another DNS answer a moment later changes nothing.
 * @param hostname as `URL` returns it, so an IPv4 address is in the usual notation
 * @throws DeliveryError if one of the addresses is private and that is not allowed, or there is none
 */
export async function resolveAddresses(
  hostname: string,
  isPrivateAllowed: boolean,
  interfaces: Interfaces = networkInterfaces(),
): Promise<[LookupAddress, ...LookupAddress[]]> {
  const literal = hostname.replace(/[[\]]/g, '');
  const family = isIP(literal);
  const addresses = family ? [{ address: literal, family }] : await lookup(literal, { all: true });
  const [first, ...others] = addresses;
  if (!first) throw new DeliveryError(`${hostname} has no address`, 'NO_ADDRESS');
  const hidden = isPrivateAllowed
    ? undefined
    : addresses.find(({ address }) => !isPublic(address) || isOfThisMachine(address, interfaces));
  if (hidden)
    throw new DeliveryError(
      `${hostname} leads to the private address ${hidden.address}, which only the option "privateAddresses" allows`,
      'PRIVATE_ADDRESS',
    );
  return [first, ...others];
}
