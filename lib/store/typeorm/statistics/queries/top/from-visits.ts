import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { SESSION_PROPERTIES } from '../../../../../activity/session.js';
import { hostText } from '../../../../../activity/referrer.js';
import type { Dimension, TopMeasure, TopRow } from '../../../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../../../statistics/time/time-range.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import { VISIT_COLUMNS } from '../../rollup/daily-counts/visit-values.js';
import { selectPaths, rankParts, search } from './rank.js';
import type { ExactTopQuery } from '../../query-plan.js';
import { usersMatching } from './user-names.js';

/** Dimensions for which "none" is a value too. */
const WITH_NULL: Dimension[] = ['referrer', ...SESSION_PROPERTIES];

const VISIT_COUNTS: Record<TopMeasure, string> = {
  visits: 'COUNT(*)',
  sessions: 'COUNT(DISTINCT visit.sessionId)',
  users: 'COUNT(DISTINCT visit.userId)',
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
  const counts = countVisits(query, selection, range);
  const part = isPathDimension(dimension)
    ? selectPaths(selection.manager, counts, text)
    : search(
        counts,
        columnOf(dimension),
        dimension === 'referrer' && text !== undefined ? hostText(text) : text,
        dimension === 'user' ? `visit.userId IN (${usersMatching(selection, range.since)})` : undefined,
      );
  return rankParts(selection, { add: [part] }, limit);
}

/** `SELECT browser AS value, COUNT(*) AS count FROM djaffar_visit WHERE … GROUP BY browser` */
export function countVisits(
  { dimension, measure }: Pick<ExactTopQuery, 'dimension' | 'measure'>,
  selection: StatisticsQuery,
  range: TimeRange,
): SelectQueryBuilder<ObjectLiteral> {
  const column = columnOf(dimension);
  const query = selection
    .visits(range)
    .select(column, 'value')
    .addSelect(VISIT_COUNTS[measure], 'count')
    .groupBy(column);
  return hasNull(dimension) ? query : query.andWhere(`${column} IS NOT NULL`);
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
