import { createHmac } from 'node:crypto';
import { DAY, HOUR } from '../time/units.js';

/** How often cookieless visitors get a new session. */
export type SaltRotation = 'day' | 'week' | 'month';

/** Random bytes of a period. Without them, address and browser cannot be found from the id of a session. */
export interface Salt {
  /** Counts days, weeks or months, in UTC. */
  period: number;
  /** 32 random bytes as base64url. */
  secret: string;
}

/** The current visit of a cookieless session. Other sessions have it in the cookie. */
export interface CookielessVisit {
  sessionId: string;
  visitId: string;
  startedAt: Date;
  lastSeen: Date;
  /** A digest of the user, empty for an anonymous visitor. */
  user: string;
  /** For optimistic locking: an update must store the version that was read plus one. */
  version: number;
}

/** Milliseconds after which the reservation of a visit is deleted: 24 hours of a visit, and time for late activities. */
export const MAX_RESERVATION_AGE = 46 * HOUR;

/** 1970 began on a Thursday. */
const DAYS_BEFORE_MONDAY = 3;

/** Characters of a session's id: 90 bits, as of other sessions. */
const LENGTH = 15;

/** @param now milliseconds since 1970 */
export function computePeriod(now: number, rotation: SaltRotation): number {
  const day = Math.floor(now / DAY);
  if (rotation === 'day') return day;
  if (rotation === 'week') return Math.floor((day + DAYS_BEFORE_MONDAY) / 7);
  const date = new Date(now);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** Returns the session of all visitors with equal parts: an HMAC-SHA-256, which nobody can recompute without the salt. */
export function cookielessSession({ secret }: Salt, ...parts: (string | undefined)[]): string {
  return createHmac('sha256', Buffer.from(secret, 'base64url'))
    .update(JSON.stringify(parts))
    .digest('base64url')
    .slice(0, LENGTH);
}
