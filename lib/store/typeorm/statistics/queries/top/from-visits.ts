import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { SESSION_PROPERTIES } from '../../../../../activity/session.js';
import { hostText } from '../../../../../activity/referrer.js';
import type { Dimension, TopMeasure, TopRow } from '../../../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../../../statistics/time/time-range.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import { VISIT_COLUMNS } from '../../rollup/daily-counts/visit-values.js';
import { countDistinct, selectPaths, rankParts, search } from './rank.js';
import { type ExactTopQuery, isSessionProperty } from '../../query-plan.js';
import { usersMatching } from './user-names.js';

/** Dimensions for which "none" is a value too. */
const WITH_NULL: Dimension[] = ['referrer', ...SESSION_PROPERTIES];

/** Sums over visits. */
const SUMS: Partial<Record<TopMeasure, string>> = {
  visits: 'COUNT(*)',
  activities: 'SUM(visit.activities)',
  views: 'SUM(visit.views)',
};

/** Answers from visit rows. */
export function topFromVisits(
  query: ExactTopQuery,
  selection: StatisticsQuery,
  range: TimeRange,
): Promise<TopRow[]> {
  const { dimension, search: text, limit } = query;
  const visits = selection.visits(range);
  if (isPathDimension(dimension))
    return rankParts(
      selection,
      { add: [selectPaths(selection.manager, countVisits(query, selection, range, visits), text)] },
      limit,
    );
  search(
    visits,
    columnOf(dimension),
    dimension === 'referrer' && text !== undefined ? hostText(text) : text,
    dimension === 'user' ? `visit.userId IN (${usersMatching(selection, range.since)})` : undefined,
  );
  return rankParts(selection, { add: [countVisits(query, selection, range, visits)] }, limit);
}

/**
 * `SELECT browser AS value, COUNT(*) AS count FROM djaffar_visit WHERE … GROUP BY browser`
 * @param visits of the range
 */
export function countVisits(
  { dimension, measure }: Pick<ExactTopQuery, 'dimension' | 'measure'>,
  selection: StatisticsQuery,
  range: TimeRange,
  visits: SelectQueryBuilder<ObjectLiteral> = selection.visits(range),
): SelectQueryBuilder<ObjectLiteral> {
  const column = columnOf(dimension);
  visits.select(column, 'value');
  if (!hasNull(dimension)) visits.andWhere(`${column} IS NOT NULL`);
  // All visits of a session have these values, so its first visit in the range stands for it.
  if (measure === 'sessions' && selection.kind === 'none' && isSessionProperty(dimension))
    return visits
      .addSelect('COUNT(*)', 'count')
      .andWhere(`visit.previousSessionVisitAt < ${range.since}`)
      .groupBy(column);
  const sum = SUMS[measure];
  if (sum) return visits.addSelect(sum, 'count').groupBy(column);
  return countDistinct(selection, visits, measure === 'users' ? 'visit.userId' : 'visit.sessionId', column);
}

export function hasNull(dimension: Dimension): boolean {
  return WITH_NULL.includes(dimension);
}

/** True if the column has the id of a path. */
export function isPathDimension(dimension: Dimension): boolean {
  return dimension === 'entry' || dimension === 'exit';
}

function columnOf(dimension: Dimension): string {
  const columns: Partial<Record<Dimension, string>> = VISIT_COLUMNS;
  return columns[dimension] ?? '';
}
