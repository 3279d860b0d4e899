import type { EntityManager, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { byRank } from '../../../../ranking.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import { findPaths } from '../../rollup/path-dictionary.js';
import type { TopRow } from '../../../../../statistics/statistics.types.js';
import { Path } from '../../rollup/tables/rollups.entity.js';

/** The ids with the highest counts, including all with the same count as the last, whose order depends on their paths. */
export function topN(counts: Map<number, number>, limit: number): number[] {
  const ordered = [...counts].sort(([, a], [, b]) => b - a);
  const min = ordered[limit - 1]?.[1] ?? 0;
  return ordered.filter(([, count]) => count >= min).map(([id]) => id);
}

/** Orders by count, the highest first; with the same count `null` first, then by code points. */
export function rankRows(counts: Map<string | null, number>, limit: number): TopRow[] {
  return [...counts]
    .filter(([, count]) => count > 0)
    .map(([value, count]) => ({ value, count }))
    .sort(byRank)
    .slice(0, limit);
}

/**
 * Ranks paths by their ids.
 * @param names the paths of ids that are not stored
 */
export async function rankPaths(
  manager: EntityManager,
  counts: Map<number, number>,
  limit: number,
  names: Map<number, string> = new Map(),
): Promise<TopRow[]> {
  const candidates = topN(new Map([...counts].filter(([, count]) => count > 0)), limit);
  const paths = await findPaths(manager, candidates);
  const found = candidates.map((id): [path: string, count: number] => [
    names.get(id) ?? paths.get(id) ?? '',
    counts.get(id) ?? 0,
  ]);
  return rankRows(new Map(found), limit);
}

interface Parts {
  add: SelectQueryBuilder<ObjectLiteral>[];
  subtract?: SelectQueryBuilder<ObjectLiteral>[];
}

/**
 * Adds up queries that select `value` and `count`, and ranks the values:
 * `SELECT value, SUM(count) FROM (… UNION ALL …) part GROUP BY value HAVING SUM(count) > 0 ORDER BY SUM(count) DESC, value LIMIT …`
 */
export async function rankParts(
  { manager, dialect }: StatisticsQuery,
  { add, subtract = [] }: Parts,
  limit: number,
): Promise<TopRow[]> {
  const name = (column: string): string => manager.connection.driver.escape(column);
  const negated = (part: SelectQueryBuilder<ObjectLiteral>): string =>
    `SELECT ${name('value')}, -${name('count')} AS ${name('count')} FROM (${part.getQuery()}) subtracted`;
  const parts = [...add.map((part) => part.getQuery()), ...subtract.map(negated)];
  const value = `part.${name('value')}`;
  const sum = `SUM(part.${name('count')})`;
  const query = manager
    .createQueryBuilder()
    .select(value, 'value')
    .addSelect(sum, 'count')
    .from(`(${parts.join(' UNION ALL ')})`, 'part')
    .groupBy(value)
    .having(`${sum} > 0`)
    .orderBy(sum, 'DESC')
    .addOrderBy(`CASE WHEN ${value} IS NULL THEN 0 ELSE 1 END`)
    .addOrderBy(dialect.binary(value))
    .limit(limit);
  for (const part of [...add, ...subtract]) query.setParameters(part.getParameters());
  const rows = await query.getRawMany<{ value: string | null; count: string | number }>();
  return rows.map(({ value: text, count }) => ({ value: text, count: Number(count) }));
}

/**
 * Counts distinct keys per value, on PostgreSQL by
 * `SELECT value, COUNT(*) AS count FROM (SELECT DISTINCT … AS value, sessionId AS visitor FROM …) seen GROUP BY value`
 * @param rows selects `value`
 * @param group the SQL of the value, or its alias
 */
export function countDistinct(
  { manager, dialect }: StatisticsQuery,
  rows: SelectQueryBuilder<ObjectLiteral>,
  key: string,
  group: string,
): SelectQueryBuilder<ObjectLiteral> {
  rows.andWhere(`${key} IS NOT NULL`);
  if (!dialect.sortsForDistinct) return rows.addSelect(`COUNT(DISTINCT ${key})`, 'count').groupBy(group);
  // In brackets, because TypeORM selects a column only once, and users may be both values and visitors.
  rows.addSelect(`(${key})`, 'visitor').distinct();
  const value = `seen.${manager.connection.driver.escape('value')}`;
  return manager
    .createQueryBuilder()
    .select(value, 'value')
    .addSelect('COUNT(*)', 'count')
    .from(`(${rows.getQuery()})`, 'seen')
    .setParameters(rows.getParameters())
    .groupBy(value);
}

/**
 * Keeps the values that contain a text, whatever their case.
 * @param otherwise an SQL condition with `:search` that also keeps values, such as the users with a matching name
 */
export function search(
  query: SelectQueryBuilder<ObjectLiteral>,
  column: string,
  text: string | undefined,
  otherwise?: string,
): SelectQueryBuilder<ObjectLiteral> {
  if (text === undefined) return query;
  const matches = matchesSearch(column);
  return query.andWhere(otherwise === undefined ? matches : `(${matches} OR ${otherwise})`, {
    search: likePattern(text.toLowerCase()),
    typed: likePattern(text),
  });
}

/** The SQL condition that a text contains `:search`, or `:typed`: some databases cannot lower-case non-ASCII letters. */
export function matchesSearch(column: string): string {
  return `(LOWER(${column}) LIKE :search ESCAPE '!' OR ${column} LIKE :typed ESCAPE '!')`;
}

function likePattern(text: string): string {
  return `%${text.replaceAll(/[!%_]/g, '!$&')}%`;
}

/** Replaces ids by paths: `SELECT path.path AS value, count FROM (…) counted JOIN djaffar_path path ON …` */
export function selectPaths(
  manager: EntityManager,
  counts: SelectQueryBuilder<ObjectLiteral>,
  text: string | undefined,
): SelectQueryBuilder<ObjectLiteral> {
  const column = (name: string): string => `counted.${manager.connection.driver.escape(name)}`;
  const query = manager
    .createQueryBuilder()
    .select('path.path', 'value')
    .addSelect(column('count'), 'count')
    .from(`(${counts.getQuery()})`, 'counted')
    .innerJoin(Path, 'path', `path.id = ${column('value')}`)
    .setParameters(counts.getParameters());
  return search(query, 'path.path', text);
}
