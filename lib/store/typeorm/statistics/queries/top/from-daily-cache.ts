import type { EntityManager, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import type { TopRow } from '../../../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../../../statistics/time/time-range.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import { isVisitDimension, type ExactTopQuery } from '../../query-plan.js';
import { propertyMetric, visitorsMetric, visitsMetric } from '../../rollup/daily-count-cache.js';
import { VISITED_NAMES } from '../../rollup/daily-counts/visited-names.js';
import { VISITED_PATHS } from '../../rollup/daily-counts/visited-paths.js';
import type { VisitCount } from '../../rollup/daily-counts/visit-values.js';
import type { ValueCount } from '../../rollup/daily-counts/property-values.js';
import { countByDay } from '../../rollup/bucket-counts.js';
import { isVisitorQuestion, MAX_ACTIVITIES_OF_RANGE, type VisitorQuestion } from '../visitor-values.js';
import { topByVisitors } from './by-visitors.js';
import { type CachedDay, countCharacters, loadCachedDays, uncachedRanges } from './cached-days.js';
import { countActivities, topFromActivities } from './from-activities.js';
import { topFromVisitPaths } from './from-visit-paths.js';
import { countVisits, hasNull, isPathDimension, topFromVisits } from './from-visits.js';
import { rankPaths, rankRows } from './rank.js';

/** If more values are not cached, grouping the whole range in the database is faster. */
const MAX_VALUES = 10_000;

/** Activities of the range outside the days that have sets. */
const MAX_UNCACHED = 500_000;
/** All sets together. */
const MAX_CHARACTERS = 50_000_000;

/** Returns the key in the daily cache for a question. */
export function buildDailyMetric({
  dimension,
  measure,
  property = '',
}: Pick<ExactTopQuery, 'dimension' | 'measure' | 'property'>): string {
  if (measure === 'sessions' || measure === 'users') return visitorsMetric(measure, dimension);
  if (dimension === 'path') return VISITED_PATHS.metric;
  if (dimension === 'name') return VISITED_NAMES.metric;
  return isVisitDimension(dimension) ? visitsMetric(dimension) : propertyMetric(property);
}

/** Answers from cached days, and from the other source for the rest, or for everything if too little is cached. */
export async function topFromDailyCache(
  query: ExactTopQuery,
  selection: StatisticsQuery,
  range: TimeRange,
): Promise<TopRow[]> {
  const { dimension, limit } = query;
  if (isVisitorQuestion(query)) return topVisitors(query, selection, range);
  if (dimension === 'path' || dimension === 'name') return topFromVisitPaths(query, selection, range);
  if (dimension === 'property') return topProperty(query, selection, range);
  const countQuery = (part: TimeRange): SelectQueryBuilder<ObjectLiteral> =>
    countVisits(query, selection, part);
  const counts = await addUp(query, selection, range, parseVisitCounts, countQuery);
  if (!counts) return topFromVisits(query, selection, range);
  if (isPathDimension(dimension)) {
    const ids = new Map([...counts].map(([id, count]) => [Number(id), count]));
    return rankPaths(selection.manager, ids, limit);
  }
  if (!hasNull(dimension)) counts.delete(null);
  return rankRows(
    new Map([...counts].map(([value, count]) => [value === null ? null : String(value), count])),
    limit,
  );
}

async function topVisitors(
  query: ExactTopQuery & VisitorQuestion,
  selection: StatisticsQuery,
  range: TimeRange,
): Promise<TopRow[]> {
  const days = await loadVisitors(selection.manager, buildDailyMetric(query), range);
  if (days !== 'too large') {
    const isOfPaths = query.measure === 'sessions' && !isVisitDimension(query.dimension);
    if (days.length > 0 || isOfPaths) return topByVisitors(query, selection, range, days);
  }
  return isVisitDimension(query.dimension)
    ? topFromVisits(query, selection, range)
    : topFromActivities(query, selection, range);
}

/** Loads the sets of days; none if too many activities would have to be read beside them. */
async function loadVisitors(
  manager: EntityManager,
  metric: string,
  range: TimeRange,
): Promise<CachedDay[] | 'too large'> {
  const { total, byDay } = await countByDay(manager, range);
  if (total > MAX_ACTIVITIES_OF_RANGE || (await countCharacters(manager, metric, range)) > MAX_CHARACTERS)
    return 'too large';
  const days = await loadCachedDays(manager, metric, range);
  const uncached = days.reduce((rest, { startedAt }) => rest - (byDay.get(startedAt.getTime()) ?? 0), total);
  return uncached > MAX_UNCACHED ? [] : days;
}

function parseVisitCounts(json: string): VisitCount[] {
  return JSON.parse(json);
}

async function topProperty(
  query: ExactTopQuery,
  selection: StatisticsQuery,
  range: TimeRange,
): Promise<TopRow[]> {
  const name = query.measure === 'views' ? 'view' : selection.name;
  if (selection.name !== undefined && selection.name !== name) return [];
  const parse = (json: string): [value: string, count: number][] => {
    const counts: ValueCount[] = JSON.parse(json);
    return counts
      .filter(([of]) => name === undefined || of === name)
      .map(([, value, count]) => [value, count]);
  };
  const counts = await addUp(query, selection, range, parse, (part) =>
    countActivities(query, selection, part),
  );
  return counts ? rankRows(counts, query.limit) : topFromActivities(query, selection, range);
}

/**
 * @param parse reads the cached counts of a day
 * @param countQuery selects `value` and `count` of a part of the range
 * @returns `undefined` if no day is cached or too many values are not; the caller then counts the whole range
 */
async function addUp<T extends string | number | null>(
  query: ExactTopQuery,
  { manager }: StatisticsQuery,
  range: TimeRange,
  parse: (counts: string) => [value: T, count: number][],
  countQuery: (part: TimeRange) => SelectQueryBuilder<ObjectLiteral>,
): Promise<Map<T, number> | undefined> {
  const days = await loadCachedDays(manager, buildDailyMetric(query), range);
  if (days.length === 0) return undefined;
  const counts = new Map<T, number>();
  const add = (value: T, count: number): void => void counts.set(value, (counts.get(value) ?? 0) + count);
  for (const { counts: ofDay } of days) for (const [value, count] of parse(ofDay)) add(value, count);
  for (const part of uncachedRanges(range, days)) {
    const rows = await countQuery(part)
      .limit(MAX_VALUES + 1)
      .getRawMany<{ value: T; count: string | number }>();
    if (rows.length > MAX_VALUES) return undefined;
    for (const { value, count } of rows) add(value, Number(count));
  }
  return counts;
}
