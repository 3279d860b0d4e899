import type { Driver } from './packages.js';

export type DatabaseName = 'sqlite' | 'postgres' | 'mysql' | 'mariadb';

export const SQLITE_FILE = 'djaffar.sqlite';

export const DRIVER_OF: Record<DatabaseName, Driver> = {
  sqlite: 'libsql',
  postgres: 'pg',
  mysql: 'mysql2',
  mariadb: 'mysql2',
};

/**
 * The file with the database of Djaffar in an app without TypeORM.
 * @param hasInterop whether the app may write `import Database from 'libsql'`
 */
export function databaseFile(name: DatabaseName, hasInterop: boolean): string {
  if (name !== 'sqlite')
    return `/** The database of Djaffar, which may be that of your app: ${name === 'postgres' ? 'postgres' : name}://user:password@host/name */
export const djaffarDatabase = { url: process.env.DATABASE_URL! };
`;
  const statement = hasInterop ? "import Database from 'libsql';" : "import Database = require('libsql');";
  return `${statement}

/** The database of Djaffar. For another one: \`{ url: process.env.DATABASE_URL! }\`, and its driver (pg or mysql2). */
export const djaffarDatabase = {
  type: 'better-sqlite3',
  driver: Database as unknown,
  database: '${SQLITE_FILE}',
  enableWAL: true,
} as const;
`;
}

/** The file for the command `djaffar`. */
export function dataSourceFile(extension: string): string {
  return `import { createDataSource } from 'nestjs-djaffar';
import { djaffarDatabase } from './djaffar.database${extension}';

/** For the command: npx djaffar -d dist/djaffar.data-source.js … */
export const dataSource = createDataSource(djaffarDatabase);
`;
}
