import { DateTime, IANAZone } from 'luxon';
import { InvalidFilterError, millisecondsOf } from '../../activity/activity.filter.js';
import type { Stretch } from './time-range.js';
import type { Interval, OverviewOptions, Question, Span } from '../statistics.types.js';

const DEFAULT_DAYS = 30;
const MAX_POINTS = 5000;

/** The range of a question, and its time zone. */
export interface Range extends Stretch {
  timeZone: string;
}

/** @throws InvalidFilterError */
export function rangeOf({ from, to, timeZone = 'UTC' }: Question): Range {
  if (typeof timeZone !== 'string' || !IANAZone.isValidZone(timeZone))
    throw new InvalidFilterError('timeZone', 'must be an IANA time zone, such as Europe/Berlin');
  const until = to === undefined ? Date.now() : millisecondsOf('to', to);
  const start = DateTime.fromMillis(until, { zone: timeZone }).minus({ days: DEFAULT_DAYS });
  const since = from === undefined ? start.toMillis() : millisecondsOf('from', from);
  if (since >= until) throw new InvalidFilterError('from', 'must be before "to"');
  return { since, until, timeZone };
}

/** @throws InvalidFilterError */
export function comparedRange(range: Range, compareTo: OverviewOptions['compareTo']): Range | undefined {
  if (compareTo === undefined) return undefined;
  if (typeof compareTo === 'object') return rangeOf({ ...compareTo, timeZone: range.timeZone });
  const from = local(range.since, range);
  const to = local(range.until, range);
  if (compareTo === 'year') return shifted(range, yearBefore(from), yearBefore(to));
  if (compareTo !== 'previous')
    throw new InvalidFilterError('compareTo', "must be 'previous', 'year' or a range");
  const areDays = [from, to].every((end) => +end === +earliest(end.startOf('day')));
  const days = Math.round(to.startOf('day').diff(from.startOf('day'), 'days').days);
  return shifted(
    range,
    areDays ? earliest(from.minus({ days })) : from.minus(range.until - range.since),
    from,
  );
}

function shifted({ timeZone }: Range, from: DateTime, to: DateTime): Range {
  return { since: from.toMillis(), until: to.toMillis(), timeZone };
}

function local(instant: number, { timeZone }: Range): DateTime {
  return DateTime.fromMillis(instant, { zone: timeZone });
}

/** The beginning of a day also where clocks were put on at midnight, and it is later. */
function yearBefore(instant: DateTime): DateTime {
  const before = instant.minus({ years: 1 });
  return earliest(+instant === +earliest(instant.startOf('day')) ? before.startOf('day') : before);
}

/** Where clocks are put back at midnight, a day begins with the first of two midnights. */
function earliest(instant: DateTime): DateTime {
  return DateTime.min(...instant.getPossibleOffsets()) ?? instant;
}

/** ISO 8601 with the offset of the time zone. */
export function isoIn(range: Range, instant: number): string {
  return local(instant, range).toISO() ?? '';
}

export function spanOf(range: Range): Span {
  return { from: isoIn(range, range.since), to: isoIn(range, range.until) };
}

/**
 * The beginnings of the intervals that the range touches, in milliseconds since 1970: the first may be before it.
 * @throws InvalidFilterError where they are too many
 */
export function intervalsOf(range: Range, interval: Interval): number[] {
  const starts: number[] = [];
  const isTime = interval === 'minute' || interval === 'hour';
  const startOf = (instant: DateTime): DateTime =>
    isTime ? instant.startOf(interval) : earliest(instant.startOf(interval));
  const first = startOf(local(range.since, range));
  for (let i = 0; ; i++) {
    // From the first each time: a month after January 31st is not two months after it, less one.
    const start = first
      .plus({ [interval]: i })
      .startOf(interval)
      .toMillis();
    if (start >= range.until) return starts;
    // Where clocks are put back by half an hour, two hours begin at once.
    if (start === starts.at(-1)) continue;
    if (starts.length === MAX_POINTS)
      throw new InvalidFilterError('interval', `would make more than ${MAX_POINTS} points of this range`);
    starts.push(start);
  }
}

/**
 * The SQL of what is to be told of the interval that a column's instant lies in, by halving: the same on every database.
 * @param starts whole milliseconds, ascending
 * @param tell default: the number of the interval
 */
export function intervalSql(
  column: string,
  starts: number[],
  tell = (_start: number, n: number): number => n,
  first = 0,
): string {
  if (starts.length <= 1) return String(tell(starts[0] ?? 0, first));
  const middle = starts.length >> 1;
  const before = intervalSql(column, starts.slice(0, middle), tell, first);
  const after = intervalSql(column, starts.slice(middle), tell, first + middle);
  return `CASE WHEN ${column} < ${starts[middle]} THEN ${before} ELSE ${after} END`;
}

/** The same as it is grouped by: a bare number would be the number of a column. */
export function groupingOf(interval: string): string {
  return /^\d+$/.test(interval) ? `${interval} + 0` : interval;
}
