import { writeFileSync } from 'node:fs';
import ipaddr from 'ipaddr.js';

/** A value of the data section: https://maxmind.github.io/MaxMind-DB/ */
type Value = string | number | Value[] | { [key: string]: Value };

/** The two children of a node; `undefined` for nothing, a number for a record of the data section. */
type Child = TreeNode | number | undefined;
type TreeNode = [Child, Child];

/** Types in their control bytes. */
const STRING = 2;
const UINT32 = 6;
const MAP = 7;
const ARRAY = 11;
/** Bytes of zeros between the tree and the data. */
const SEPARATOR = 16;

export interface MmdbOptions {
  type?: string;
  ipVersion?: 4 | 6;
}

/**
 * Writes a real database of networks and their records.
 * @param networks such as `{ '192.0.2.0/24': { country: { iso_code: 'DE' } } }`
 */
export function writeMmdb(
  file: string,
  networks: Record<string, Value>,
  { type = 'GeoLite2-Country', ipVersion = 6 }: MmdbOptions = {},
): void {
  const root: TreeNode = [undefined, undefined];
  const data: Buffer[] = [];
  let length = 0;
  for (const [network, value] of Object.entries(networks)) {
    insert(root, bitsOf(network, ipVersion), length);
    const bytes = encode(value);
    data.push(bytes);
    length += bytes.length;
  }
  const nodes = nodesOf(root);
  const indexes = new Map(nodes.map((node, i) => [node, i]));
  const pointerOf = (child: Child): number => {
    if (child === undefined) return nodes.length;
    return typeof child === 'number' ? nodes.length + SEPARATOR + child : (indexes.get(child) ?? 0);
  };
  const tree = Buffer.alloc(nodes.length * 6);
  for (const [i, [left, right]] of nodes.entries()) {
    tree.writeUIntBE(pointerOf(left), i * 6, 3);
    tree.writeUIntBE(pointerOf(right), i * 6 + 3, 3);
  }
  const metadata = encode({
    binary_format_major_version: 2,
    binary_format_minor_version: 0,
    build_epoch: 1_767_225_600,
    database_type: type,
    description: { en: 'of a test' },
    ip_version: ipVersion,
    languages: ['en'],
    node_count: nodes.length,
    record_size: 24,
  });
  const mark = Buffer.from('\xab\xcd\xefMaxMind.com', 'latin1');
  writeFileSync(file, Buffer.concat([tree, Buffer.alloc(SEPARATOR), ...data, mark, metadata]));
}

function insert(root: TreeNode, bits: (0 | 1)[], record: number): void {
  const last = bits.pop() ?? 0;
  let node = root;
  for (const bit of bits) {
    const child = node[bit];
    const next: TreeNode = Array.isArray(child) ? child : [undefined, undefined];
    node[bit] = next;
    node = next;
  }
  node[last] = record;
}

/** IPv4 is in the first 2^32 addresses of IPv6. */
function bitsOf(network: string, ipVersion: 4 | 6): (0 | 1)[] {
  const [address, prefix] = ipaddr.parseCIDR(network);
  const isShort = address.kind() === 'ipv4';
  const bytes = address.toByteArray();
  const padded = isShort && ipVersion === 6 ? [...Array.from({ length: 12 }, () => 0), ...bytes] : bytes;
  const bits = padded.flatMap((byte) =>
    Array.from({ length: 8 }, (_, i): 0 | 1 => ((byte >> (7 - i)) & 1 ? 1 : 0)),
  );
  return bits.slice(0, prefix + (bits.length - bytes.length * 8));
}

/** The root first. */
function nodesOf(node: TreeNode): TreeNode[] {
  return [node, ...node.flatMap((child) => (Array.isArray(child) ? nodesOf(child) : []))];
}

function encode(value: Value): Buffer {
  if (typeof value === 'string') {
    const bytes = Buffer.from(value);
    return Buffer.concat([control(STRING, bytes.length), bytes]);
  }
  if (typeof value === 'number') {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(value);
    return Buffer.concat([control(UINT32, 4), bytes]);
  }
  if (Array.isArray(value)) return Buffer.concat([control(ARRAY, value.length), ...value.map(encode)]);
  const entries = Object.entries(value);
  return Buffer.concat([control(MAP, entries.length), ...entries.flat().map(encode)]);
}

/** @param size less than 29 */
function control(type: number, size: number): Buffer {
  return type > 7 ? Buffer.from([size, type - 7]) : Buffer.from([(type << 5) | size]);
}
