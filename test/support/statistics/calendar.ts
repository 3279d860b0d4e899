import { DateTime } from 'luxon';
import type { Interval, Question } from '../../../lib/index.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** `from` inclusive, `to` exclusive, in milliseconds since 1970. */
export interface Range {
  from: number;
  to: number;
}

/** The model has no clock, so it has no default range. */
export function rangeOf({ from, to, timeZone = 'UTC' }: Question): Range {
  return { from: instantOf(from!, timeZone, 0), to: instantOf(to!, timeZone, 1) };
}

function instantOf(date: Date | string, timeZone: string, daysLater: number): number {
  if (date instanceof Date) return date.getTime();
  if (/^\d{4}-\d{2}-\d{2}$/.test(date))
    return firstInstant(Date.parse(`${date}T00:00Z`) + daysLater * DAY, timeZone);
  return DateTime.fromISO(date, { zone: 'UTC' }).toMillis();
}

export function isIn(time: number, { from, to }: Range): boolean {
  return from <= time && time < to;
}

/** ISO 8601 with the offset of the time zone. */
export function isoOf(time: number, timeZone = 'UTC'): string {
  return DateTime.fromMillis(time, { zone: timeZone }).toISO()!;
}

/** Milliseconds to add to UTC. */
function offsetAt(time: number, timeZone: string): number {
  return DateTime.fromMillis(time, { zone: timeZone }).offset * MINUTE;
}

/** The first instant when the clocks of a time zone show this time, or a later one if they skip it. */
function firstInstant(local: number, timeZone: string): number {
  const offsets = [offsetAt(local - DAY, timeZone), offsetAt(local + DAY, timeZone)];
  const shown = offsets
    .map((offset) => local - offset)
    .filter((time) => time + offsetAt(time, timeZone) === local);
  if (shown.length > 0) return Math.min(...shown);
  let before = local - DAY;
  let after = local + DAY;
  while (after - before > 1) {
    const middle = Math.floor((before + after) / 2);
    if (middle + offsetAt(middle, timeZone) >= local) after = middle;
    else before = middle;
  }
  return after;
}

/** The start of the interval that contains an instant. Weeks begin on Monday. */
export function startOf(interval: Interval, time: number, timeZone: string): number {
  const offset = offsetAt(time, timeZone);
  const local = time + offset;
  if (interval === 'minute') return Math.floor(local / MINUTE) * MINUTE - offset;
  if (interval === 'hour') return Math.floor(local / HOUR) * HOUR - offset;
  return firstInstant(localStart(interval, local), timeZone);
}

function localStart(interval: 'day' | 'week' | 'month', local: number): number {
  const day = new Date(Math.floor(local / DAY) * DAY);
  if (interval === 'week') return day.getTime() - ((day.getUTCDay() + 6) % 7) * DAY;
  return interval === 'month' ? Date.UTC(day.getUTCFullYear(), day.getUTCMonth()) : day.getTime();
}

/** The intervals that a range touches: each with its start, and with its part of the range. */
export function intervalsOf(
  interval: Interval,
  range: Range,
  timeZone: string,
): { start: number; part: Range }[] {
  const starts: number[] = [];
  for (let start = startOf(interval, range.from, timeZone); start < range.to;) {
    starts.push(start);
    start = nextStart(interval, start, timeZone);
  }
  return starts.map((start, i) => ({
    start,
    part: { from: Math.max(start, range.from), to: Math.min(starts[i + 1] ?? Infinity, range.to) },
  }));
}

function nextStart(interval: Interval, start: number, timeZone: string): number {
  if (interval === 'minute') return start + MINUTE;
  if (interval === 'hour') return start + HOUR;
  const local = start + offsetAt(start, timeZone);
  const first = localStart(interval, local);
  const date = new Date(first);
  const next =
    interval === 'month'
      ? Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1)
      : first + (interval === 'week' ? 7 : 1) * DAY;
  return firstInstant(next, timeZone);
}

/** The range that an overview is compared with. */
export function comparedRange(
  range: Range,
  compareTo: 'previous' | 'year' | { from: Date | string; to: Date | string },
  timeZone: string,
): Range {
  if (typeof compareTo === 'object') return rangeOf({ ...compareTo, timeZone });
  const isOfDays = [range.from, range.to].every((end) => startOf('day', end, timeZone) === end);
  if (compareTo === 'previous') {
    const local = range.from + offsetAt(range.from, timeZone);
    const days = Math.round((range.to - range.from) / DAY);
    const from = isOfDays
      ? firstInstant(localStart('day', local) - days * DAY, timeZone)
      : range.from - (range.to - range.from);
    return { from, to: range.from };
  }
  const yearAgo = (time: number): number => {
    const date = new Date(time + offsetAt(time, timeZone));
    const day = date.getUTCDate();
    date.setUTCFullYear(date.getUTCFullYear() - 1);
    // There was no 29 February.
    if (date.getUTCDate() !== day) date.setUTCDate(0);
    const local = date.getTime();
    if (startOf('day', time, timeZone) === time) return firstInstant(localStart('day', local), timeZone);
    const found = firstInstant(local, timeZone);
    const isSkipped = found + offsetAt(found, timeZone) !== local;
    return isSkipped ? local - offsetAt(local - DAY, timeZone) : found;
  };
  return { from: yearAgo(range.from), to: yearAgo(range.to) };
}
