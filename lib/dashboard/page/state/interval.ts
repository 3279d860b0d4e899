import type { Interval } from '../../../statistics/statistics.types.js';
import type { Range } from './range.js';
import { keysOf } from './keys.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** More points a chart does not show well, and the host does not answer. */
const MAX = 800;

const LENGTHS: Record<Interval, number> = {
  minute: 60_000,
  hour: HOUR,
  day: DAY,
  week: 7 * DAY,
  month: 30 * DAY,
};

/** Those that make a chart of a range: neither a single point nor too many. */
export function intervalsOf(range: Range): Interval[] {
  const length = +range.to - +range.from;
  const all = keysOf(LENGTHS);
  const fit = all.filter((interval) => {
    const points = length / LENGTHS[interval];
    return points > 1.2 && points <= MAX;
  });
  return fit.length > 0 ? fit : ['minute'];
}

/** The one of the URL, where it makes a chart. */
export function intervalOf(url: URLSearchParams, range: Range): Interval {
  const fit = intervalsOf(range);
  const length = +range.to - +range.from;
  const usual: Interval =
    length <= 3 * HOUR ? 'minute' : length <= 3 * DAY ? 'hour' : length <= 120 * DAY ? 'day' : 'month';
  const given = url.get('interval');
  return fit.find((each) => each === given) ?? fit.find((each) => each === usual) ?? fit[0] ?? 'day';
}
