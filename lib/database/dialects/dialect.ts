import type { DataSource } from 'typeorm';
import type { Dialect } from './dialect.types.js';
import { mysql } from './mysql.js';
import { postgres } from './postgres.js';
import { sqlite } from './sqlite.js';

export { type Dialect, type Insert, PATH_KEY_LENGTH, type Statement } from './dialect.types.js';

const dialects: Partial<Record<DataSource['options']['type'], Dialect>> = {
  postgres,
  mysql,
  mariadb: mysql,
  'better-sqlite3': sqlite,
};

/** @throws Error if Djaffar does not support the database */
export function dialectOf(dataSource: DataSource): Dialect {
  const { type } = dataSource.options;
  const dialect = dialects[type];
  if (!dialect) {
    const allowed = Object.keys(dialects).join(', ');
    throw new Error(
      `Djaffar cannot store activities in a TypeORM data source of type "${type}"; allowed: ${allowed}`,
    );
  }
  return dialect;
}
