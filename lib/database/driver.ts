import type { DataSource, QueryRunner } from 'typeorm';
import { mysql } from './drivers/mysql.js';
import { postgres } from './drivers/postgres.js';
import { sqlite } from './drivers/sqlite.js';
import type { Driver } from './driver.types.js';
import type { DatabaseFailure } from './failure.js';

const drivers: Partial<Record<DataSource['options']['type'], Driver>> = {
  postgres,
  mysql,
  mariadb: mysql,
  'better-sqlite3': sqlite,
};

/** Returns `undefined` for an unsupported database, which is refused elsewhere. */
export function driverOf(dataSource: DataSource): Driver | undefined {
  return drivers[dataSource.options.type];
}

/** Classifies an error; `undefined` if it is no failure of the database. */
export function classifyFailure(dataSource: DataSource, error: unknown): DatabaseFailure | undefined {
  return driverOf(dataSource)?.failure(error);
}

/** Resolves when the runner has a connection. */
export function connect(dataSource: DataSource, runner: QueryRunner): Promise<unknown> {
  return driverOf(dataSource)?.connect(dataSource, runner) ?? runner.connect();
}
