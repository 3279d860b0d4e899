import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

/** Bytes that are drawn at once: one by one they would cost twenty times as much. */
const POOL = 8192;

const pool = Buffer.allocUnsafe(POOL);
let used = POOL;

/** Bytes from a cryptographically strong source, never given out twice; to be read before the next call. */
export function randomBytes(size: number): Buffer {
  if (used + size > POOL) {
    randomFillSync(pool);
    used = 0;
  }
  used += size;
  return pool.subarray(used - size, used);
}

export function uuidv7(): string {
  return v7({ random: randomBytes(16) });
}
