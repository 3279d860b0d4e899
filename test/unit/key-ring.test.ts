import { createHash, createHmac } from 'node:crypto';
import { isDue, KEY_LIFETIME, KEY_PUBLICATION, KeyRing } from '../../lib/privacy/key-ring.js';
import type { SigningKey } from '../../lib/privacy/signing-key.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const COOKIE = 14 * DAY;
const NOW = Date.UTC(2026, 10, 26);

function keyOf(number: number, createdAt: number): SigningKey {
  const secret = createHash('sha256').update(`${number}`).digest('base64url');
  return { number, createdAt: new Date(createdAt), secret };
}

const OLD = keyOf(1, NOW - KEY_LIFETIME);
const NEW = keyOf(2, NOW);

const ringOf = (...keys: SigningKey[]): KeyRing => new KeyRing(keys, COOKIE);

describe('a key ring', () => {
  it('accepts what it has signed, on any instance', () => {
    const signed = ringOf(OLD).sign('a.b', NOW);
    expect(signed).toMatch(/^a\.b\.[\w-]{26}$/);
    expect(ringOf(OLD).unsign(signed, NOW)).toBe('a.b');
    expect(ringOf(NEW).unsign(signed, NOW)).toBeUndefined();
  });

  it('signs by HMAC-SHA-256 with the bytes of the secret, so that cookies outlive an update', () => {
    const key = Buffer.from(OLD.secret, 'base64url');
    const hmac = createHmac('sha256', key).update('a.b').digest('base64url');
    expect(ringOf(OLD).sign('a.b', NOW).slice(-22)).toBe(hmac.slice(0, 22));
  });

  it('cannot be without a key', () => {
    expect(() => ringOf()).toThrow('at least one key');
  });

  it.each([
    '',
    '.',
    'a',
    'a.',
    `a.${'b'.repeat(25)}`,
    `a.${'b'.repeat(27)}`,
    `.${'b'.repeat(26)}`,
    '\n'.repeat(30),
  ])('does not accept %j', (text) => {
    expect(ringOf(OLD).unsign(text, NOW)).toBeUndefined();
  });

  it('accepts only what fits into a cookie, although it has signed more', () => {
    const ring = ringOf(OLD);
    const accepts = (text: string): boolean => ring.unsign(ring.sign(text, NOW), NOW) === text;
    expect(['a', 'aB3_.-', 'a'.repeat(200)].map(accepts)).toEqual([true, true, true]);
    expect(['', 'a b', 'a;', 'ä', 'a'.repeat(201)].map(accepts)).toEqual([false, false, false, false, false]);
  });

  it('signs with a new key only when every instance knows it', () => {
    const isByNew = (now: number): boolean =>
      ringOf(NEW).unsign(ringOf(OLD, NEW).sign('a', now), now) === 'a';
    expect([0, KEY_PUBLICATION - 1, KEY_PUBLICATION, DAY].map((age) => isByNew(NOW + age))).toEqual([
      false,
      false,
      true,
      true,
    ]);
    // The clock of this instance is a minute slow.
    expect(isByNew(NOW - 60_000)).toBe(false);
    expect(ringOf(NEW).unsign(ringOf(NEW).sign('a', NOW), NOW)).toBe('a');
  });

  it('accepts an old key for as long as a cookie can live, and the newest one for good', () => {
    const signed = ringOf(OLD).sign('a', NOW + KEY_PUBLICATION - 1);
    const end = NOW + KEY_PUBLICATION + COOKIE;
    expect(ringOf(OLD, NEW).unsign(signed, end - 1)).toBe('a');
    expect(ringOf(OLD, NEW).unsign(signed, end)).toBeUndefined();
    expect(ringOf(OLD).unsign(signed, end + 365 * DAY)).toBe('a');
  });

  it('agrees with the others when its clock is far off', () => {
    const year = 365 * DAY;
    const others = ringOf(OLD, NEW);
    for (const now of [NOW - year, NOW + year])
      expect(others.unsign(ringOf(OLD, NEW).sign('a', now), NOW + DAY)).toBe('a');
    // A key that was made while the clock was a year ahead.
    const future = keyOf(3, NOW + year);
    expect(ringOf(OLD, NEW, future).unsign(others.sign('a', NOW + DAY), NOW + DAY)).toBe('a');
    expect(ringOf(OLD, NEW, future).unsign(ringOf(OLD, NEW, future).sign('a', NOW), NOW)).toBe('a');
  });

  it('is due for a new key after 30 days', () => {
    expect([-365 * DAY, 0, KEY_LIFETIME - 1, KEY_LIFETIME].map((age) => isDue(NEW, NOW + age))).toEqual([
      false,
      false,
      false,
      true,
    ]);
  });

  it('has a seed that is the same on all instances, and changes with the key', () => {
    expect(ringOf(OLD).seed(NOW)).toBe(ringOf(OLD, NEW).seed(NOW));
    expect(ringOf(OLD, NEW).seed(NOW + DAY)).not.toBe(ringOf(OLD).seed(NOW));
    expect(ringOf(OLD).seed(NOW)).not.toContain(OLD.secret);
  });
});
