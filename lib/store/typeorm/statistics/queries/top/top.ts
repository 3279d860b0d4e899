import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { checkStorable, checkText, InvalidFilterError } from '../../../../../activity/activity.filter.js';
import { hostText } from '../../../../../activity/referrer.js';
import { MEASURES_OF_ACTIVITIES } from '../measures/activity-counts.js';
import { namesOfVisits } from './names-from-visits.js';
import { named, usersNamed } from './user-names.js';
import { PAGE } from '../../filter/page-sql.js';
import { Path } from '../../rollup/tables/path.entity.js';
import type { Selection } from '../../filter/statistics-query.js';
import type {
  Dimension,
  TopMeasure,
  TopOptions,
  TopRow,
} from '../../../../../statistics/statistics.types.js';
import type { Stretch } from '../../../../../statistics/time/time-range.js';
import { PathTotal, Total } from '../../rollup/tables/rollups.entity.js';
import { partsOf, settled } from '../path-rollups.js';
import { pathsOfVisits } from './paths-from-visits.js';
import { valuesOfProperty } from './property-values.js';
import { valuesOf, VISITED_PATHS, visitsBy } from '../../rollup/daily-count-cache.js';
import { isOfVisits, OF_VISITS, type VisitDimension } from '../../rollup/daily-counts/visit-values.js';
import { valuesOfVisits } from './visit-values.js';

/** The rest is of visits. */
const OF_ACTIVITIES = { path: PAGE, name: 'activity.name', property: 'activity.properties' } as const;

/** Where there being none is an answer too. */
const WITH_NONE: Dimension[] = ['referrer', 'browser', 'system', 'device'];

const MEASURES_OF_VISITS: Record<TopMeasure, string> = {
  visits: 'COUNT(*)',
  sessions: 'COUNT(DISTINCT visit.sessionId)',
  users: 'COUNT(DISTINCT visit.userId)',
  activities: 'SUM(visit.activities)',
  views: 'SUM(visit.views)',
};

type Asked = Pick<TopOptions, 'measure' | 'property' | 'search'> & { limit: number };

export async function top(
  dimension: Dimension,
  selection: Selection,
  range: Stretch,
  asked: Asked,
): Promise<TopRow[]> {
  if (isOfVisits(dimension)) {
    const rows = await ofVisits(dimension, selection, range, asked);
    return dimension === 'user' ? named(selection, rows) : rows;
  }
  const measure = asked.measure ?? (dimension === 'path' && selection.mayTakeViews ? 'views' : 'activities');
  if (asked.search === undefined && (selection.isOfVisits || (selection.isWhole && measure === 'visits'))) {
    if (dimension === 'path' && (measure === 'views' || measure === 'visits'))
      return pathsOfVisits(selection, range, measure, asked.limit);
    if (dimension === 'name' && (measure === 'activities' || measure === 'visits'))
      return namesOfVisits(selection, range, measure, asked.limit);
  }
  const isSummed = dimension === 'path' ? selection.isOfPaths : selection.isPlain;
  const isAdditive = measure === 'views' || measure === 'activities';
  if (dimension !== 'property' && isSummed && isAdditive)
    return ofSums(dimension, selection, range, measure, asked);
  const counted = (stretch: Stretch): SelectQueryBuilder<ObjectLiteral> =>
    ofActivities(dimension, selection, stretch, measure, asked);
  const kept = dimension === 'property' ? countsOf(dimension, selection, asked) : undefined;
  const values =
    kept !== undefined && isAdditive
      ? await valuesOfProperty(selection, range, { kept, measure, limit: asked.limit }, counted)
      : undefined;
  return values ?? rank(selection, [counted(range)], asked.limit);
}

/** What is counted for each day, and kept, from when it is asked for in such a way. */
export function countsOf(
  dimension: Dimension,
  selection: Selection,
  { measure, property, search }: Pick<TopOptions, 'measure' | 'property' | 'search'>,
): string | undefined {
  if (search !== undefined) return undefined;
  if (isOfVisits(dimension))
    return (measure ?? 'visits') === 'visits' && selection.isWhole ? visitsBy(dimension) : undefined;
  if (dimension === 'path') return measure === 'visits' && selection.isWhole ? VISITED_PATHS : undefined;
  if (dimension !== 'property' || property === undefined || !selection.isPlain) return undefined;
  return ['activities', 'views', undefined].includes(measure) ? valuesOf(property) : undefined;
}

async function ofVisits(
  dimension: VisitDimension,
  selection: Selection,
  range: Stretch,
  asked: Asked,
): Promise<TopRow[]> {
  const { measure = 'visits', search, limit } = asked;
  const column = OF_VISITS[dimension];
  const withNone = WITH_NONE.includes(dimension);
  const counted = (stretch: Stretch): SelectQueryBuilder<ObjectLiteral> => {
    const query = selection
      .visits(stretch)
      .select(column, 'value')
      .addSelect(MEASURES_OF_VISITS[measure], 'count')
      .groupBy(column);
    return withNone ? query : query.andWhere(`${column} IS NOT NULL`);
  };
  const isPath = dimension === 'entry' || dimension === 'exit';
  const kept = countsOf(dimension, selection, asked);
  const rows =
    kept === undefined
      ? undefined
      : await valuesOfVisits(selection.manager, range, { kept, isPath, withNone, limit }, counted);
  if (rows) return rows;
  const query = isPath
    ? withPaths(selection, counted(range), search)
    : searched(
        counted(range),
        column,
        dimension === 'referrer' && search ? hostText(search) : search,
        dimension === 'user' ? `${column} IN (${usersNamed(selection, range.since)})` : undefined,
      );
  return rank(selection, [query], limit);
}

/** Counted by the number of a path, which is looked up afterwards. */
function withPaths(
  { manager }: Selection,
  counted: SelectQueryBuilder<ObjectLiteral>,
  search: string | undefined,
): SelectQueryBuilder<ObjectLiteral> {
  const column = (name: string): string => `counted.${manager.connection.driver.escape(name)}`;
  const query = manager
    .createQueryBuilder()
    .select('path.path', 'value')
    .addSelect(column('count'), 'count')
    .from(`(${counted.getQuery()})`, 'counted')
    .innerJoin(Path, 'path', `path.number = ${column('value')}`)
    .setParameters(counted.getParameters());
  return searched(query, 'path.path', search);
}

function ofActivities(
  dimension: keyof typeof OF_ACTIVITIES,
  selection: Selection,
  stretch: Stretch,
  measure: TopMeasure,
  { property, search }: Asked,
): SelectQueryBuilder<ObjectLiteral> {
  const query = selection.activities(stretch);
  let value: string = OF_ACTIVITIES[dimension];
  if (dimension === 'property') {
    query.andWhere('activity.properties IS NOT NULL');
    query.setParameter('property', checkText('property', property));
    value = selection.dialect.property(value, ':property');
    query.andWhere(`${value} IS NOT NULL`);
  }
  query.select(value, 'value').addSelect(MEASURES_OF_ACTIVITIES[measure], 'count').groupBy('value');
  if (dimension !== 'property') query.groupBy(value);
  return searched(query, value, search);
}

/** From the sums as far as they go, and from the activities at both ends of the range. */
async function ofSums(
  dimension: 'path' | 'name',
  selection: Selection,
  range: Stretch,
  measure: 'views' | 'activities',
  asked: Asked,
): Promise<TopRow[]> {
  const counted = (stretch: Stretch): SelectQueryBuilder<ObjectLiteral> =>
    ofActivities(dimension, selection, stretch, measure, asked);
  const sums = dimension === 'path' ? sumsOfPaths : sumsOfNames;
  return settled(selection, async (daysUntil) => {
    const { summed, added, removed } = await partsOf(selection, range, dimension === 'path' ? daysUntil : 0);
    const parts = added.map(counted);
    if (summed) parts.push(sums(selection, summed, measure, asked));
    return rank(selection, parts, asked.limit, removed.map(counted));
  });
}

function sumsOfPaths(
  selection: Selection,
  { since, until }: Stretch,
  measure: 'views' | 'activities',
  { search }: Asked,
): SelectQueryBuilder<ObjectLiteral> {
  const isViews = measure === 'views' || selection.name === 'view';
  const query = selection.manager
    .createQueryBuilder<ObjectLiteral>(PathTotal, 'sum')
    .select('sum.path', 'value')
    .addSelect(isViews ? 'SUM(sum.views)' : 'SUM(sum.activities)', 'count')
    .where(`sum.startedAt >= ${since} AND sum.startedAt < ${until}`)
    .groupBy('sum.path');
  selection.applyToPaths(query, 'sum');
  return withPaths(selection, query, search);
}

function sumsOfNames(
  { manager, name }: Selection,
  { since, until }: Stretch,
  measure: 'views' | 'activities',
  { search }: Asked,
): SelectQueryBuilder<ObjectLiteral> {
  const query = manager
    .createQueryBuilder<ObjectLiteral>(Total, 'sum')
    .select('sum.name', 'value')
    .addSelect('SUM(sum.activities)', 'count')
    .where(`sum.startedAt >= ${since} AND sum.startedAt < ${until}`)
    .groupBy('sum.name');
  if (name !== undefined) query.andWhere('sum.name = :name', { name });
  if (measure === 'views') query.andWhere(`sum.name = 'view'`);
  return searched(query, 'sum.name', search);
}

/** @param otherwise SQL with `:search` that lets in values which do not match themselves */
function searched(
  query: SelectQueryBuilder<ObjectLiteral>,
  column: string,
  search: string | undefined,
  otherwise?: string,
): SelectQueryBuilder<ObjectLiteral> {
  if (search === undefined) return query;
  if (typeof search !== 'string') throw new InvalidFilterError('search', 'must be a text');
  const pattern = `%${checkStorable('search', search).toLowerCase().replaceAll(/[!%_]/g, '!$&')}%`;
  const matches = `LOWER(${column}) LIKE :search ESCAPE '!'`;
  return query.andWhere(otherwise === undefined ? matches : `(${matches} OR ${otherwise})`, {
    search: pattern,
  });
}

/**
 * The parts put together, the largest first, texts of the same count by code points.
 * @param removed what the parts count too much
 */
async function rank(
  { manager, dialect }: Selection,
  parts: SelectQueryBuilder<ObjectLiteral>[],
  limit: number,
  removed: SelectQueryBuilder<ObjectLiteral>[] = [],
): Promise<TopRow[]> {
  const name = (column: string): string => manager.connection.driver.escape(column);
  const counts = [
    ...parts.map((part) => part.getQuery()),
    ...removed.map(
      (part) =>
        `SELECT ${name('value')}, -${name('count')} AS ${name('count')} FROM (${part.getQuery()}) removed`,
    ),
  ];
  const value = `part.${name('value')}`;
  const sum = `SUM(part.${name('count')})`;
  const query = manager
    .createQueryBuilder()
    .select(value, 'value')
    .addSelect(sum, 'count')
    .from(`(${counts.join(' UNION ALL ')})`, 'part')
    .groupBy(value)
    .having(`${sum} > 0`)
    .orderBy(sum, 'DESC')
    .addOrderBy(`CASE WHEN ${value} IS NULL THEN 0 ELSE 1 END`)
    .addOrderBy(dialect.binary(value))
    .limit(limit);
  for (const part of [...parts, ...removed]) query.setParameters(part.getParameters());
  const rows = await query.getRawMany<{ value: string | null; count: string | number }>();
  return rows.map(({ value: text, count }) => ({ value: text, count: Number(count) }));
}
