import { InvalidFilterError, millisecondsOf } from '../../activity/activity.filter.js';
import { isTimeZone, toInstant, toISO, toLocalTime } from '../../time/time-zone.js';
import type { TimeRange } from './time-range.js';
import type { Interval, OverviewOptions, Period, Span } from '../statistics.types.js';
import type { Question } from '../question.types.js';
import { DAY } from '../../time/units.js';

const LENGTH = { minute: 60_000, hour: 3_600_000, day: DAY, week: 7 * DAY };
const DEFAULT_DAYS = 30;
const MAX_POINTS = 5000;
/**
 * A year of days, seven years of weeks, or the months from 1970 to 2099, in which anybody may have an activity. An answer has half the
 * square of this as counts.
 */
const MAX_COHORTS: Record<Period, number> = { day: 366, week: 366, month: 1560 };

/** The range of a question, and its time zone. */
export interface Range extends TimeRange {
  timeZone: string;
}

/** @throws InvalidFilterError */
export function parseRange({ from, to, timeZone = 'UTC' }: Question): Range {
  if (typeof timeZone !== 'string' || !isTimeZone(timeZone))
    throw new InvalidFilterError('timeZone', 'must be an IANA time zone, such as Europe/Berlin');
  // `midnight` is 00:00 of the date in UTC, which `toInstant` reads as local time.
  const startOfDay = (midnight: number): number => toInstant(midnight, timeZone);
  const until = to === undefined ? Date.now() : millisecondsOf('to', to, startOfDay);
  const since =
    from === undefined
      ? toInstant(toLocalTime(until, timeZone) - DEFAULT_DAYS * DAY, timeZone, until)
      : millisecondsOf('from', from, startOfDay);
  if (since >= until) throw new InvalidFilterError('from', 'must be before "to"');
  return { since, until, timeZone };
}

/** @throws InvalidFilterError */
export function comparedRange(range: Range, compareTo: OverviewOptions['compareTo']): Range | undefined {
  if (compareTo === undefined) return undefined;
  const { since, until, timeZone } = range;
  if (typeof compareTo === 'object') return parseRange({ ...compareTo, timeZone });
  if (compareTo === 'year')
    return { since: yearBefore(since, timeZone), until: yearBefore(until, timeZone), timeZone };
  if (compareTo !== 'previous')
    throw new InvalidFilterError('compareTo', "must be 'previous', 'year' or a range");
  if (![since, until].every((end) => isStartOfDay(end, timeZone)))
    return { since: since - (until - since), until: since, timeZone };
  const from = floorTo('day', toLocalTime(since, timeZone));
  const to = floorTo('day', toLocalTime(until, timeZone));
  return { since: toInstant(from - (to - from), timeZone), until: since, timeZone };
}

/** True at the first instant of a local day. That is after midnight if clocks skip it, and the first midnight if there are two. */
function isStartOfDay(instant: number, timeZone: string): boolean {
  return instant === toInstant(floorTo('day', toLocalTime(instant, timeZone)), timeZone);
}

/** Returns the same local time one year earlier, February 28th for the 29th. The start of a day becomes the start of that day. */
function yearBefore(instant: number, timeZone: string): number {
  const localTime = toLocalTime(instant, timeZone);
  const date = new Date(localTime);
  const month = date.getUTCMonth();
  date.setUTCFullYear(date.getUTCFullYear() - 1);
  if (date.getUTCMonth() !== month) date.setUTCDate(0);
  return toInstant(isStartOfDay(instant, timeZone) ? floorTo('day', +date) : +date, timeZone);
}

/** ISO 8601 with the offset of the time zone. */
export function isoIn({ timeZone }: Range, instant: number): string {
  return toISO(instant, timeZone);
}

export function formatSpan(range: Range): Span {
  return { from: isoIn(range, range.since), to: isoIn(range, range.until) };
}

/** Weeks begin on Monday. */
function floorTo(interval: Interval, localTime: number): number {
  const date = new Date(localTime);
  if (interval === 'minute') return date.setUTCSeconds(0, 0);
  if (interval === 'hour') return date.setUTCMinutes(0, 0, 0);
  const midnight = date.setUTCHours(0, 0, 0, 0);
  if (interval === 'day') return midnight;
  if (interval === 'week') return midnight - ((date.getUTCDay() + 6) % 7) * DAY;
  return date.setUTCDate(1);
}

/** The start of the interval that is `count` after the one of an instant. */
function startOfInterval(interval: Interval, instant: number, count: number, timeZone: string): number {
  if (interval === 'minute' || interval === 'hour') {
    const later = instant + count * LENGTH[interval];
    return toInstant(floorTo(interval, toLocalTime(later, timeZone)), timeZone, later);
  }
  const first = floorTo(interval, toLocalTime(instant, timeZone));
  const start =
    interval === 'month'
      ? new Date(first).setUTCMonth(new Date(first).getUTCMonth() + count)
      : first + count * LENGTH[interval];
  return toInstant(start, timeZone);
}

/**
 * The beginnings of the intervals that the range touches, in milliseconds since 1970: the first may be before it.
 * @throws InvalidFilterError if there are too many
 */
export function listIntervals(range: Range, interval: Interval): number[] {
  const starts = listStarts(MAX_POINTS, range, interval);
  if (starts) return starts;
  throw new InvalidFilterError('interval', `would make more than ${MAX_POINTS} points of this range`);
}

/**
 * The beginnings of the periods of cohorts, likewise.
 * @throws InvalidFilterError if there are too many
 */
export function listCohortStarts(range: Range, period: Period): number[] {
  const max = MAX_COHORTS[period];
  const starts = listStarts(max, range, period);
  if (starts) return starts;
  throw new InvalidFilterError('period', `would make more than ${max} cohorts of this range`);
}

function listStarts(
  max: number,
  { since, until, timeZone }: Range,
  interval: Interval,
): number[] | undefined {
  const starts: number[] = [];
  const first = startOfInterval(interval, since, 0, timeZone);
  for (let i = 0; ; i++) {
    const start = startOfInterval(interval, first, i, timeZone);
    if (start >= until) return starts;
    // If clocks are set back by half an hour, two hours start at the same local time.
    if (start === starts.at(-1)) continue;
    if (starts.length === max) return undefined;
    starts.push(start);
  }
}

/**
 * Builds SQL that returns a value for the interval that contains the instant of a column, by binary search. The same SQL
 * runs on every database.
 * @param starts whole milliseconds, ascending
 * @param valueOf returns the SQL value of an interval; by default its number
 */
export function intervalSql(
  column: string,
  starts: number[],
  valueOf = (_start: number, n: number): number => n,
  first = 0,
): string {
  if (starts.length <= 1) return String(valueOf(starts[0] ?? 0, first));
  const middle = starts.length >> 1;
  const before = intervalSql(column, starts.slice(0, middle), valueOf, first);
  const after = intervalSql(column, starts.slice(middle), valueOf, first + middle);
  return `CASE WHEN ${column} < ${starts[middle]} THEN ${before} ELSE ${after} END`;
}

/** Returns the SQL for `GROUP BY`, in which a bare number would mean a column position. */
export function groupBySql(interval: string): string {
  return /^\d+$/.test(interval) ? `${interval} + 0` : interval;
}
