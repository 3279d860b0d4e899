import libsql from 'libsql';
import type { DataSourceOptions } from 'typeorm';

const EMBEDDED = 'sqlite:djaffar.sqlite';

/**
 * Options of the data source for `postgres://…`, `mysql://…` (or `mariadb://…`) or `sqlite:FILE`.
 * @throws Error for any other URL.
 */
export function databaseOptions(url = EMBEDDED): DataSourceOptions {
  const scheme = url.slice(0, url.indexOf(':'));
  switch (scheme) {
    case 'postgres':
    case 'postgresql':
      return { type: 'postgres', url };
    case 'mysql':
    case 'mariadb':
      return { type: scheme, url, charset: 'utf8mb4' };
    case 'sqlite':
      return {
        type: 'better-sqlite3',
        driver: libsql,
        database: url.slice('sqlite:'.length),
        enableWAL: true,
        // Without this, a commit would survive a crash of the process, but not a power failure.
        prepareDatabase: (db: { pragma(source: string): unknown }) => {
          db.pragma('synchronous = FULL');
        },
      };
    default:
      throw new Error(`DATABASE_URL is "${url}"; allowed: postgres://…, mysql://…, sqlite:FILE`);
  }
}
