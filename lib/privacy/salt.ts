import { createHmac } from 'node:crypto';
import { DAY } from '../time/units.js';

/** How often cookieless visitors get another session. */
export type SaltRotation = 'day' | 'week' | 'month';

/** Random bytes of a period. Without them, address and browser cannot be found from the id of a session. */
export interface Salt {
  /** Counts days, weeks or months, in UTC. */
  period: number;
  /** 32 random bytes as base64url. */
  secret: string;
}

/** A visit of a cookieless session: what a cookie says of other sessions. */
export interface CookielessVisit {
  sessionId: string;
  visitId: string;
  startedAt: Date;
  lastSeen: Date;
  /** A digest of the user, empty for an anonymous visitor. */
  user: string;
  /** How often the row was changed: one that was found must be stored with the next number. */
  version: number;
}

/** 1970 began on a Thursday. */
const DAYS_BEFORE_MONDAY = 3;

/** Characters of a session's id: 90 bits, as of other sessions. */
const LENGTH = 15;

/** @param now milliseconds since 1970 */
export function periodOf(now: number, rotation: SaltRotation): number {
  const day = Math.floor(now / DAY);
  if (rotation === 'day') return day;
  if (rotation === 'week') return Math.floor((day + DAYS_BEFORE_MONDAY) / 7);
  const date = new Date(now);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
}

/** The session of everybody who has the same of these: HMAC-SHA-256, which needs the salt to be computed again. */
export function cookielessSession({ secret }: Salt, ...parts: (string | undefined)[]): string {
  return createHmac('sha256', Buffer.from(secret, 'base64url'))
    .update(JSON.stringify(parts))
    .digest('base64url')
    .slice(0, LENGTH);
}
