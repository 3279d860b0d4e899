import { type DataSource, type EntityManager, In } from 'typeorm';
import { Activity } from '../../../../activity/activity.js';
import { pathColumns } from '../../activity-query.js';
import {
  type Dialect,
  dialectOf,
  type Insert,
  type Statement,
} from '../../../../database/dialects/dialect.js';
import { escapePath, Table } from '../../../../database/table.js';
import { truncate } from '../../../../activity/text.js';
import { chunks } from '../../../../database/chunks.js';
import { Path } from './tables/rollups.entity.js';

/** Resolves pages to ids. New pages get the next ids; the caller inserts them. */
export class PathDictionary {
  private readonly numbers = new Map<string, number>();
  private readonly added: Path[] = [];
  private largest: number | undefined;

  constructor(private readonly manager: EntityManager) {}

  async resolve(paths: Iterable<string>): Promise<void> {
    const unknown = [...new Set(paths)].filter((path) => !this.numbers.has(path));
    for (const [path, number] of await findPathIds(this.manager, unknown)) this.numbers.set(path, number);
    for (const path of unknown) if (!this.numbers.has(path)) await this.add(path);
  }

  getId(path: string): number {
    const number = this.numbers.get(path);
    if (number === undefined) throw new Error(`Djaffar: the path ${path} has no id`);
    return number;
  }

  inserts(): Insert[] {
    const table = new Table(this.manager.connection, Path);
    return chunks(this.added).map((some) => table.insert(some));
  }

  private async add(path: string): Promise<void> {
    this.largest ??= (await this.manager.maximum(Path, 'id')) ?? 0;
    this.largest += 1;
    this.numbers.set(path, this.largest);
    this.added.push({ id: this.largest, path });
  }
}

/** Finds the ids of stored paths. */
export async function findPathIds(manager: EntityManager, paths: string[]): Promise<Map<string, number>> {
  const numbers = new Map<string, number>();
  for (const some of chunks(paths)) {
    const query = manager.createQueryBuilder(Path, 'path');
    for (const [column, length] of pathColumns(dialectOf(manager.connection), 'path.path'))
      query.andWhere(`${column} IN (:...first${length})`, {
        [`first${length}`]: some.map((path) => truncate(path, length)),
      });
    for (const { path, id } of await query.getMany()) numbers.set(path, id);
  }
  return numbers;
}

/** Finds the paths of ids, except those that were erased in the meantime. */
export async function findPaths(manager: EntityManager, ids: Iterable<number>): Promise<Map<number, string>> {
  const paths = new Map<number, string>();
  for (const some of chunks([...new Set(ids)], MANY))
    for (const { id, path } of await manager.findBy(Path, { id: In(some) })) paths.set(id, path);
  return paths;
}

const MANY = 5000;

/** The SQL that compares the paths of two columns, so that an index of their first characters is used. */
function isSamePath(dialect: Dialect, one: string, other: string): string {
  return `${one} = ${other} AND ${dialect.pathKey(one)} = ${dialect.pathKey(other)}`;
}

/**
 * Returns statements that delete those of the paths that no activity has. They are found before the transaction, which checks only these
 * again.
 */
export async function deleteUnusedPaths(manager: EntityManager, ids: Iterable<number>): Promise<Statement[]> {
  const { connection: dataSource } = manager;
  const unused: number[] = [];
  for (const some of chunks([...new Set(ids)])) {
    const rows = await manager
      .createQueryBuilder(Path, 'path')
      .select('path.id', 'id')
      .where('path.id IN (:...some)', { some })
      .andWhere(isUnused(dataSource, 'path.path'))
      .getRawMany<{ id: number }>();
    for (const { id } of rows) unused.push(id);
  }
  const { tablePath } = dataSource.getMetadata(Path);
  const path = `${escapePath(dataSource, tablePath)}.${dataSource.driver.escape('path')}`;
  return chunks(unused).map((some) =>
    dataSource
      .createQueryBuilder()
      .delete()
      .from(Path)
      .where('id IN (:...some)', { some })
      .andWhere(isUnused(dataSource, path))
      .getQueryAndParameters(),
  );
}

/** The SQL condition that no activity has a path. */
function isUnused(dataSource: DataSource, path: string): string {
  // Separate conditions, so that each uses an index.
  const conditions = ['activity.path', 'activity.page'].map((column) => {
    const activities = dataSource
      .createQueryBuilder()
      .subQuery()
      .select('1')
      .from(Activity, 'activity')
      .where(isSamePath(dialectOf(dataSource), column, path));
    if (column === 'activity.path') activities.andWhere('activity.page IS NULL');
    return `NOT EXISTS ${activities.getQuery()}`;
  });
  return conditions.join(' AND ');
}
