import {
  type DataSource,
  EntityManager,
  type EntityTarget,
  type ObjectLiteral,
  type QueryRunner,
  type SelectQueryBuilder,
} from 'typeorm';
import { connectionsOf } from './connections.js';

/** Its results never come from TypeORM's cache, which a host may have enabled for all queries. */
class UncachedManager extends EntityManager {
  override createQueryBuilder<T extends ObjectLiteral>(
    entity: EntityTarget<T>,
    alias: string,
    runner?: QueryRunner,
  ): SelectQueryBuilder<T>;
  override createQueryBuilder(runner?: QueryRunner): SelectQueryBuilder<ObjectLiteral>;
  override createQueryBuilder<T extends ObjectLiteral>(
    of?: EntityTarget<T> | QueryRunner,
    alias?: string,
    runner?: QueryRunner,
  ): SelectQueryBuilder<T> | SelectQueryBuilder<ObjectLiteral> {
    // oxlint-disable typescript/no-unsafe-type-assertion -- TypeORM's overloads: an alias goes with an entity, no alias with a runner
    if (alias === undefined) return super.createQueryBuilder(of as QueryRunner | undefined).cache(false);
    return super.createQueryBuilder(of as EntityTarget<T>, alias, runner).cache(false);
    // oxlint-enable typescript/no-unsafe-type-assertion
  }
}

type Read<T> = (manager: EntityManager, runner: QueryRunner) => Promise<T>;

/**
 * Reads from the primary, because replicas may be behind, and never from a cache. It holds one connection until `read` is done:
 * of the pool, or of another process if the database runs inside this one.
 * @param read must not write
 * @param signal if it aborts, the connection is destroyed
 * @param silence milliseconds that one statement may take
 */
export function onPrimary<T>(
  dataSource: DataSource,
  read: Read<T>,
  signal?: AbortSignal,
  silence?: number,
): Promise<T> {
  return connectionsOf(dataSource).read(
    ({ runner }) => read(uncached(dataSource, runner), runner),
    signal,
    silence,
  );
}

/**
 * Reads on the primary, within the limits for queries.
 * @throws UnavailableError if the database does not answer, or not in time
 */
export function queryPrimary<T>(dataSource: DataSource, read: Read<T>): Promise<T> {
  return connectionsOf(dataSource).ask((signal) => onPrimary(dataSource, read, signal));
}

/** Returns a manager that reads on the caller's connection, without a cache. */
export function uncached(dataSource: DataSource, runner?: QueryRunner): EntityManager {
  return new UncachedManager(dataSource, runner);
}
