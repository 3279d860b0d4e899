import type { EntityManager, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { Path } from '../../rollup/tables/path.entity.js';
import { search } from './rank.js';

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
