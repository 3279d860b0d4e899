import { createHash, randomFillSync, randomUUID } from 'node:crypto';

/** Random bytes are generated in blocks of this size: single calls would take twenty times as long. */
const POOL = 8192;

const pool = Buffer.allocUnsafe(POOL);
let used = POOL;

/** Returns cryptographically strong random bytes. Read them before a later call overwrites them. */
export function randomBytes(size: number): Buffer {
  if (used + size > POOL) {
    randomFillSync(pool);
    used = 0;
  }
  used += size;
  return pool.subarray(used - size, used);
}

/** The time of the latest UUID of version 7, and how many had it before. */
let latest = 0;
let count = 0;

/**
 * Returns a UUID (RFC 9562) that begins with the date, so that new rows are near each other in an index. Those of the same
 * millisecond are in the order of the calls, because activities of the same date are sorted by their ids.
 */
export function uuidv7(): string {
  const now = Math.max(Date.now(), 0);
  count = now === latest ? count + 1 : 0;
  latest = now;
  const time = now.toString(16).padStart(12, '0');
  // Beyond 4096 in a millisecond they are unique, but not in order.
  const order = (count & 0xfff).toString(16).padStart(3, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${order}${randomUUID().slice(18)}`;
}

/** Returns the UUID (RFC 9562) of a name in a namespace, which is a UUID too: always the same one. */
export function uuidv5(name: string, namespace: string): string {
  const hash = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name);
  const bytes = hash.digest();
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x50, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex', 0, 16).replace(/(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}
