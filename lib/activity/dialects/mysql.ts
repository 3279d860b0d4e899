import { onPrimary } from '../../database/primary.js';
import { cancellable } from './cancellable.js';
import { type Dialect, type Insert, PATH_KEY_LENGTH } from './dialect.js';
import { blameSqlState, driverError } from './sql-state.js';
import { readingIn, transact } from './transact.js';
import { wordPattern } from './word-pattern.js';

/** Else texts that begin with the same 1,024 bytes are one in a `GROUP BY`; the longest path has 8,192. */
const SETTINGS = {
  before: ['SET SESSION max_sort_length = 8192'],
  after: ['SET SESSION max_sort_length = DEFAULT'],
};

/** `INSERT IGNORE` would pass over other errors too; this passes over the primary key alone. */
function insert({ table, columns, rows, replace }: Insert): string {
  const row = `(${columns.map(() => '?').join(', ')})`;
  const values = rows.map(() => row).join(', ');
  const updates = replace
    ? columns.map((column) => `${column} = VALUES(${column})`)
    : [`${columns[0]} = ${table}.${columns[0]}`];
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${values} ON DUPLICATE KEY UPDATE ${updates.join(', ')}`;
}

export const mysql: Dialect = {
  async write(dataSource, inserts, cancel) {
    const runner = dataSource.createQueryRunner();
    try {
      const { threadId }: { threadId: number } = await runner.connect();
      await runner.startTransaction();
      await cancellable(
        cancel,
        () => dataSource.query(`KILL QUERY ${threadId}`),
        async () => {
          for (const each of inserts) await runner.query(insert(each), each.rows.flat());
        },
      );
      await runner.commitTransaction();
    } catch (error) {
      // On a lost connection the database does it itself.
      if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => {});
      throw error;
    } finally {
      await runner.release();
    }
  },

  transact: (dataSource, guard, statements) =>
    transact(dataSource, SETTINGS, guard, statements, (each) => [insert(each), each.rows.flat()]),

  rows: (dataSource, query) =>
    onPrimary(dataSource, (_, runner) => query.setQueryRunner(runner).getRawMany()),
  reading: (dataSource, read) => readingIn(dataSource, SETTINGS, read),

  hasLateral: false,
  blame: (error) => {
    const { sqlState } = driverError(error) as { sqlState?: unknown };
    return blameSqlState(sqlState);
  },

  binary: (column) => column,
  pathKey: (column) => column,

  hasWord: (column, words, before) => `${column} REGEXP '${wordPattern(words, before)}'`,

  contains: (column, text) => `INSTR(${column}, ${text}) > 0`,

  uuidLength: '36',
  // MariaDB has an order of its own for its type `uuid`.
  idOrder: (column) => `CAST(${column} AS CHAR(36))`,
  property: (column, key) => {
    const value = `JSON_EXTRACT(${column}, CONCAT('$.', JSON_QUOTE(${key})))`;
    // The empty text is there for its collation.
    const text = `CONCAT(LEFT(${column}, 0), JSON_UNQUOTE(${value}))`;
    return `CASE WHEN JSON_TYPE(${value}) IN ('OBJECT', 'ARRAY', 'NULL') THEN NULL ELSE ${text} END`;
  },

  async exactText(runner) {
    const [{ version }]: [{ version: string }] = await runner.query('SELECT VERSION() AS version');
    // Neither pads with spaces, so that 'a' and 'a ' are two.
    return {
      charset: 'utf8mb4',
      collation: /mariadb/i.test(version) ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin',
    };
  },

  dateKey: (column) => column,
  dateBesideKey: (column) => column,
  dateKeyOf: (date) => date,

  activityIndexes: (table) => [
    `djaffar_activity_date ON ${table} (date)`,
    // A key part holds at most 3,072 bytes.
    `djaffar_activity_path ON ${table} (path(${PATH_KEY_LENGTH}))`,
    `djaffar_activity_page ON ${table} (page(${PATH_KEY_LENGTH}))`,
    `djaffar_activity_user ON ${table} (userId)`,
  ],
  // It has no index of a part, and looks a session up by its id.
  sessionIndexes: () => [],
  pathIndex: (table) => `djaffar_path_text ON ${table} (path(${PATH_KEY_LENGTH}))`,
};
