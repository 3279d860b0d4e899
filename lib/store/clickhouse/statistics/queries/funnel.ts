import type { ParsedStatisticsFilter } from '../../../../statistics/statistics-filter.js';
import type { TimeRange } from '../../../../statistics/time/time-range.js';
import { all, ID_ORDER, integer } from '../../sql.js';
import { activityConditions, type StatisticsQuery } from '../statistics-query.js';

/**
 * Returns how many visitors reached each step. It folds the activities of each visitor in order, and stores per step the start of the
 * latest attempt that reached it. ClickHouse's own `windowFunnel` lets one activity be two steps.
 */
export async function funnel(
  steps: ParsedStatisticsFilter[],
  query: StatisticsQuery,
  range: TimeRange,
  within: number,
): Promise<number[]> {
  const matches = steps.map((step) => `ifNull(${all(activityConditions(step))}, false)`);
  const isLater = `done > 1 AND begins[done - 1] >= 0 AND date - begins[done - 1] <= ${integer(within)}`;
  const begins = `arrayFold((begins, date, mask) -> arrayMap(done -> multiIf(
      NOT bitTest(mask, done - 1), begins[done],
      done = 1, date,
      ${isLater}, greatest(begins[done], begins[done - 1]),
      begins[done]), range(1, ${steps.length + 1})),
    ${inOrder('dates')}, ${inOrder('masks')}, arrayWithConstant(${steps.length}, toInt64(-1)))`;
  // Arrays of numbers, which take less time than one of tuples. A bit of `mask` for each step.
  const ofVisitors = `SELECT groupArray(date) AS dates, groupArray(${ID_ORDER}) AS ids, groupArray(mask) AS masks, groupBitOr(mask) AS done
      FROM (SELECT sessionId, userId, date, id, toUInt16(${matches.map((condition, i) => `${2 ** i} * (${condition})`).join(' + ')}) AS mask
        ${query.activities(range, 'sessionId IS NOT NULL OR userId IS NOT NULL', matches.join(' OR '))})
      GROUP BY sessionId, if(sessionId IS NULL, userId, NULL)`;
  // Who has not done both of the first two steps has reached the first one at most.
  const [row] = await query.ask<{ first: number; reached: number[] }>(
    `SELECT countIf(bitTest(done, 0)) AS first, sumForEach(arrayMap(begin -> toUInt64(begin >= 0), begins)) AS reached FROM (
      SELECT done, ${begins} AS begins FROM (
        SELECT done, ${['dates', 'ids', 'masks'].map((list) => `if(bitAnd(done, 3) = 3, ${list}, []) AS ${list}`).join(', ')}
        FROM (${ofVisitors})))`,
  );
  return steps.map((_, i) => (i === 0 ? row?.first : row?.reached[i]) ?? 0);
}

/** Returns the SQL of an array of a visitor's activities, in their order. */
function inOrder(list: string): string {
  return `arraySort((one, date, id) -> (date, id), ${list}, dates, ids)`;
}
