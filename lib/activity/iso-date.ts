import { LAST_INSTANT } from '../time/time-zone.js';
import { MINUTE } from '../time/units.js';

// A space may replace the T, as RFC 3339 allows, and the +, because forms decode an unencoded + as a space.
const ISO_DATE_TIME =
  /^(\d{4})-?(\d\d)-?(\d\d)[T ](\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d+))?)?(?:(Z)|([+\- ])(\d\d)(?::?(\d\d))?)?$/i;

/**
 * Reads a date and time as of ISO 8601 (calendar dates, basic or extended); without an offset it is UTC. What is
 * finer than a millisecond is cut off.
 * @returns milliseconds since 1970, or `undefined` if the text is not such a date, or not in the years 1970 to 9999.
 */
export function parseIsoDate(text: string): number | undefined {
  const match = ISO_DATE_TIME.exec(text);
  if (!match) return undefined;
  const [, year, month, day, hour, minute, second = 0, fraction = '', , sign, hours = 0, minutes = 0] = match;
  const [y, mo, d, h, mi, s] = [
    Number(year),
    Number(month),
    Number(day),
    Number(hour),
    Number(minute),
    Number(second),
  ];
  if (mo < 1 || mo > 12 || d < 1 || (d > 28 && d > daysIn(y, mo))) return undefined;
  if (h > 23 || mi > 59 || s > 59 || Number(hours) > 23 || Number(minutes) > 59) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * MINUTE;
  const milliseconds = Number(`${fraction}00`.slice(0, 3));
  const instant = Date.UTC(y, mo - 1, d, h, mi, s, milliseconds) + (sign === '-' ? offset : -offset);
  return y >= 1970 && instant >= 0 && instant <= LAST_INSTANT ? instant : undefined;
}

/**
 * Reads a date alone, as `2026-11-01` or `20261101`.
 * @returns when that day begins in UTC, in milliseconds since 1970; `undefined` if the text is no such date
 */
export function parseIsoDay(text: string): number | undefined {
  return parseIsoDate(`${text}T00:00Z`);
}

function daysIn(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}
