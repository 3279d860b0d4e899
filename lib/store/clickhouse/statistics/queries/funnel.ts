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
  const matches = steps.map((step) => all(activityConditions(step)));
  const isLater = `done > 1 AND begins[done - 1] >= 0 AND activity.1 - begins[done - 1] <= ${integer(within)}`;
  const begins = `arrayFold((begins, activity) -> arrayMap(done -> multiIf(
      NOT activity.3[done], begins[done],
      done = 1, activity.1,
      ${isLater}, greatest(begins[done], begins[done - 1]),
      begins[done]), range(1, ${steps.length + 1})),
    arraySort(groupArray((date, ${ID_ORDER}, done))), arrayWithConstant(${steps.length}, toInt64(-1)))`;
  const [row] = await query.ask<{ reached: number[] }>(
    `SELECT sumForEach(arrayMap(begin -> toUInt64(begin >= 0), begins)) AS reached FROM (
      SELECT ${begins} AS begins FROM (
        SELECT sessionId, userId, date, id, [${matches.map((condition) => `ifNull(${condition}, false)`).join(', ')}] AS done
        ${query.activities(range, 'sessionId IS NOT NULL OR userId IS NOT NULL', matches.map((condition) => `(${condition})`).join(' OR '))}
      ) GROUP BY sessionId, if(sessionId IS NULL, userId, NULL))`,
  );
  return steps.map((_, i) => row?.reached[i] ?? 0);
}
