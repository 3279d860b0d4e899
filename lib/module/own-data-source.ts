import { DataSource, type DataSourceOptions } from 'typeorm';
import { djaffarEntities } from '../entities.js';
import { djaffarMigrations } from '../migrations/index.js';
import type { DatabaseOptions } from '../options/store.options.js';
import { DATABASE_URL } from '../options/database-rule.js';

/** Other tools have a table `migrations`, too. */
const MIGRATIONS_TABLE = 'djaffar_migrations';

/**
 * Creates a data source with the tables of Djaffar alone, for hosts that use no TypeORM themselves. Give the same options to
 * `DjaffarModule`, and the file that exports the data source to the command `djaffar`.
 * @param options of the database; entities and migrations are added to those of TypeORM
 * @throws Error if the URL is of another database
 *
 * @example
 * ```ts
 * import { createDataSource } from 'nestjs-djaffar';
 *
 * export const dataSource = createDataSource({ url: process.env.DATABASE_URL ?? 'postgres://localhost/app' });
 * ```
 */
export function createDataSource(options: DatabaseOptions): DataSource {
  return new DataSource({
    ...toDataSourceOptions(options),
    entities: [...djaffarEntities],
    migrations: [...djaffarMigrations],
    migrationsTableName: MIGRATIONS_TABLE,
    synchronize: false,
    migrationsRun: false,
  });
}

function toDataSourceOptions(options: DatabaseOptions): DataSourceOptions {
  if ('type' in options) return options;
  const scheme = DATABASE_URL.exec(options.url)?.[1];
  if (!scheme)
    throw new Error(
      "the URL must begin with postgres:, postgresql:, mysql: or mariadb:; for SQLite, give { type: 'better-sqlite3', … }",
    );
  if (scheme === 'mysql' || scheme === 'mariadb') return { ...options, type: scheme, charset: 'utf8mb4' };
  return { ...options, type: 'postgres' };
}
