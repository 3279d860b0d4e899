import { LRUCache } from 'lru-cache';
import { DAY } from './units.js';

/** 9999-12-31T23:59:59.999Z */
export const LAST_INSTANT = Date.UTC(9999, 11, 31, 23, 59, 59, 999);

/** A formatter takes some 50 KB, and one zone has many spellings. */
const formatters = new LRUCache<string, Intl.DateTimeFormat>({ max: 50 });

/** `GMT`, `GMT+05:30`, or with the seconds that some zones had until 1972. */
const OFFSET = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?/;

/** True if Node.js knows the time zone: by its IANA name, in any case. */
export function isTimeZone(name: string): boolean {
  try {
    return name !== '' && createFormatter(name) !== undefined;
  } catch {
    return false;
  }
}

function createFormatter(timeZone: string): Intl.DateTimeFormat {
  let formatter = formatters.get(timeZone);
  if (!formatter) {
    formatter = new Intl.DateTimeFormat('en-US', { timeZone, timeZoneName: 'longOffset' });
    formatters.set(timeZone, formatter);
  }
  return formatter;
}

const UTC = /^(?:UTC|GMT)$/i;

/** Milliseconds that clocks in the time zone are ahead of UTC. */
function offsetAt(instant: number, timeZone: string): number {
  if (UTC.test(timeZone)) return 0;
  const [, sign, hours = 0, minutes = 0, seconds = 0] =
    OFFSET.exec(createFormatter(timeZone).format(instant)) ?? [];
  const offset = Number(hours) * 3_600_000 + Number(minutes) * 60_000 + Number(seconds) * 1000;
  return sign === '-' ? -offset : offset;
}

/**
 * Returns the local time of an instant as if it were UTC, in milliseconds since 1970: `Date`'s UTC methods read it, and days,
 * months and years can be added to it, independent of clock changes.
 */
export function toLocalTime(instant: number, timeZone: string): number {
  return instant + offsetAt(instant, timeZone);
}

/**
 * When clocks show a local time. If they show it twice, the first time counts. If they skip it, they are as much later as
 * they skip.
 * @param near if they show it twice, and at this instant they are set as they are the second time, that one counts
 */
export function toInstant(localTime: number, timeZone: string, near?: number): number {
  // Clocks are changed less often than every two days.
  const before = offsetAt(localTime - DAY, timeZone);
  const after = offsetAt(localTime + DAY, timeZone);
  if (before === after) return localTime - before;
  const offsets = [before, after];
  const shown = offsets.filter((offset) => offsetAt(localTime - offset, timeZone) === offset);
  if (shown.length === 0) return localTime - Math.min(...offsets);
  const preferred = near === undefined ? undefined : offsetAt(near, timeZone);
  return localTime - (shown.find((offset) => offset === preferred) ?? Math.max(...shown));
}

/**
 * RFC 3339 with the offset from UTC, which is `Z` in the time zones `UTC` and `GMT`. It has no year after 9999: the end of
 * that year stands for any later time.
 */
export function toISO(instant: number, timeZone: string): string {
  const offset = offsetAt(instant, timeZone);
  const local = new Date(Math.min(instant + offset, LAST_INSTANT)).toISOString().slice(0, -1);
  if (UTC.test(timeZone)) return `${local}Z`;
  const minutes = Math.floor(Math.abs(offset) / 60_000);
  const digits = [Math.floor(minutes / 60), minutes % 60].map((each) => String(each).padStart(2, '0'));
  return `${local}${offset < 0 ? '-' : '+'}${digits.join(':')}`;
}
