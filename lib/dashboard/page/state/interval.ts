import type { Interval } from '../../../statistics/statistics.types.js';
import type { Range } from './range.js';
import { typedKeys } from './keys.js';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

/** The maximum number of points in a chart. */
const MAX = 800;

const LENGTHS: Record<Interval, number> = {
  minute: 60_000,
  hour: HOUR,
  day: DAY,
  week: 7 * DAY,
  month: 30 * DAY,
};

/** Returns the intervals for a range that result in neither a single point nor too many. */
export function listIntervals(range: Range): Interval[] {
  const length = +range.to - +range.from;
  const all = typedKeys(LENGTHS);
  const allowed = all.filter((interval) => {
    const points = length / LENGTHS[interval];
    return points > 1.2 && points <= MAX;
  });
  return allowed.length > 0 ? allowed : ['minute'];
}

/** Returns the interval of the URL if it is right for the range, otherwise the default. */
export function parseInterval(url: URLSearchParams, range: Range): Interval {
  const allowed = listIntervals(range);
  const length = +range.to - +range.from;
  const usual: Interval =
    length <= 3 * HOUR ? 'minute' : length <= 3 * DAY ? 'hour' : length <= 120 * DAY ? 'day' : 'month';
  const given = url.get('interval');
  return (
    allowed.find((each) => each === given) ?? allowed.find((each) => each === usual) ?? allowed[0] ?? 'day'
  );
}
