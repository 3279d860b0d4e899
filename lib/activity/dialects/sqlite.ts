import type { DataSource } from 'typeorm';
import type { Dialect, Insert } from './dialect.js';
import { driverError } from './sql-state.js';

/** SQLite's limit of parameters in a statement is 32,766; a statement of this many rows stays under it. */
const ROWS_PER_STATEMENT = 500;

/** What better-sqlite3 and libsql have in common. */
interface Connection {
  readonly inTransaction: boolean;
  prepare(sql: string): { run(...parameters: unknown[]): unknown };
  exec(sql: string): unknown;
}

class Busy extends Error {}

function connectionOf(dataSource: DataSource): Connection {
  // TypeORM has it on the driver, without a type.
  return Reflect.get(dataSource.driver, 'databaseConnection');
}

function insert(connection: Connection, { table, columns, rows }: Insert): void {
  const row = `(${columns.map(() => '?').join(', ')})`;
  for (let at = 0; at < rows.length; at += ROWS_PER_STATEMENT) {
    const some = rows.slice(at, at + ROWS_PER_STATEMENT);
    const values = some.map(() => row).join(', ');
    connection
      .prepare(
        `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${values} ON CONFLICT (${columns[0]}) DO NOTHING`,
      )
      .run(...some.flat());
  }
}

export const sqlite: Dialect = {
  /**
   * TypeORM shares one SQLite connection between all who query, and a transaction on it takes in whatever others run
   * meanwhile. So ours runs from beginning to end without giving way, and never inside somebody else's, who might
   * roll it back.
   */
  async write(dataSource, inserts) {
    const connection = connectionOf(dataSource);
    if (connection.inTransaction) throw new Busy('another transaction is open on the SQLite connection');
    connection.exec('BEGIN IMMEDIATE');
    try {
      for (const each of inserts) insert(connection, each);
      connection.exec('COMMIT');
    } catch (error) {
      if (connection.inTransaction) connection.exec('ROLLBACK');
      throw error;
    }
  },

  blame: (error) => {
    const { code } = driverError(error) as { code?: unknown };
    if (typeof code !== 'string') return 'moment';
    if (/^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG)/.test(code)) return 'row';
    return /^SQLITE_(ERROR|READONLY|AUTH)/.test(code) ? 'statement' : 'moment';
  },

  binary: (column) => column,
  pathKey: (column) => column,

  exactText: async () => ({}),

  async createPathIndex(runner, index, table) {
    await runner.query(`CREATE INDEX "${index}" ON ${table} ("path", "date")`);
  },
};
