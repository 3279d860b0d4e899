/** Lengths in milliseconds. A calendar's day may have 23 or 25 hours: see time-zone.ts. */
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
