import { hash, timingSafeEqual } from 'node:crypto';
import { HmacSha256 } from './hmac.js';
import type { SigningKey } from './signing-key.js';
import { DAY } from '../time/units.js';

/** Milliseconds after which the next key is made. */
export const KEY_LIFETIME = 30 * DAY;

/**
 * Milliseconds for which a new key only verifies, so that every instance knows it before the first cookie is signed with
 * it. Also how far the clocks of two instances may be apart.
 */
export const KEY_PUBLICATION = 60 * 60 * 1000;

/** Characters that identify the signing key. They are derived from the key, because a lost key may have had the same number. */
const ID = 4;
/** Characters of the signature, 132 bits: RFC 2104 advises at least half of the hash. */
const SIGNATURE = 22;

const SIGNED = new RegExp(String.raw`^[\w.-]{1,200}\.[\w-]{${ID + SIGNATURE}}$`);

interface Key {
  id: string;
  hmac: HmacSha256;
  createdAt: number;
  /** Cookies that it has signed are expired since then, in milliseconds since 1970. */
  acceptedUntil: number;
  seed: string;
}

/** The current keys. It signs with one of them, and accepts signatures of all. */
export class KeyRing {
  private readonly keys: Key[];
  private readonly newest: Key;
  private readonly byId: Map<string, Key>;

  /**
   * @param stored at least one, by their numbers
   * @param cookieLifetime milliseconds for which a browser may keep a cookie
   */
  constructor(stored: SigningKey[], cookieLifetime: number) {
    this.keys = stored.map(({ secret, createdAt }, i) => {
      const next = stored[i + 1];
      const hmac = new HmacSha256(Buffer.from(secret, 'base64url'));
      return {
        id: hash('sha256', secret, 'base64url').slice(0, ID),
        hmac,
        createdAt: createdAt.getTime(),
        acceptedUntil: next ? next.createdAt.getTime() + KEY_PUBLICATION + cookieLifetime : Infinity,
        seed: hmac.digest('seed'),
      };
    });
    const newest = this.keys.at(-1);
    if (!newest) throw new Error('a key ring has at least one key');
    this.newest = newest;
    this.byId = new Map(this.keys.map((key) => [key.id, key]));
  }

  /** @returns the text with its signature: `text.signature` */
  sign(text: string, now: number): string {
    const key = this.current(now);
    return `${text}.${key.id}${computeSignature(key, text)}`;
  }

  /** @returns the text without its signature; `undefined` if none of the keys has signed it, or only an expired one */
  unsign(signed: string, now: number): string | undefined {
    if (!SIGNED.test(signed)) return undefined;
    const text = signed.slice(0, -(ID + SIGNATURE) - 1);
    const signature = signed.slice(-SIGNATURE);
    const key = this.byId.get(signed.slice(text.length + 1, -SIGNATURE));
    if (!key || now >= key.acceptedUntil) return undefined;
    return timingSafeEqual(Buffer.from(signature), Buffer.from(computeSignature(key, text)))
      ? text
      : undefined;
  }

  /** Returns a secret text, the same on all instances, for reproducible but unpredictable ids. */
  seed(now: number): string {
    return this.current(now).seed;
  }

  /** By a clock that is far away from the key's date the key is not new, so that instances agree on it. */
  private current(now: number): Key {
    const isNew = Math.abs(now - this.newest.createdAt) < KEY_PUBLICATION;
    return (isNew ? this.keys.at(-2) : undefined) ?? this.newest;
  }
}

/** Whether it is time for the next key. One from the future does no harm: the clock is wrong, or was. */
export function isDue({ createdAt }: SigningKey, now: number): boolean {
  return now - createdAt.getTime() >= KEY_LIFETIME;
}

function computeSignature({ hmac }: Key, text: string): string {
  return hmac.digest(text).slice(0, SIGNATURE);
}
