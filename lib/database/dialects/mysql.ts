import { BOUNDS } from '../time-limits.js';
import { connectionsOf } from '../connections.js';
import { queryPrimary } from '../primary.js';
import { UnavailableError } from '../../store/unavailable.error.js';
import { monotonicClock } from '../../time/clock.js';
import { type Dialect, type Insert, PATH_KEY_LENGTH, type Statement } from './dialect.types.js';
import { parametersOf, wordPattern } from './fragments.js';
import { readingIn, transact, runTransaction } from './transact.js';

interface Bounds {
  /** Milliseconds. */
  lock: number;
  statement: number;
  idle: number;
}

// MariaDB and MySQL each read the comments that are meant for them: one has a limit for all statements, the other for SELECT.
const mariadb = (sql: string): string => `/*M!100101 , ${sql} */`;
const mysqlOnly = (sql: string): string => `/*!50708 , ${sql} */`;

const seconds = (milliseconds: number): string => String(Math.max(1, Math.ceil(milliseconds / 1000)));

/** Sets system variables of the session; user variables remember the previous values. */
function settings(
  values: Record<string, string>,
  { statement }: Bounds,
): { before: string[]; after: string[] } {
  const names = Object.keys(values);
  const keep = names.map((name) => `@djaffar_${name} = @@SESSION.${name}`).join(', ');
  const set = names.map((name) => `SESSION ${name} = ${values[name]}`).join(', ');
  const restore = names.map((name) => `SESSION ${name} = @djaffar_${name}`).join(', ');
  return {
    before: [
      `SET ${keep} ${mariadb('@djaffar_statement = @@SESSION.max_statement_time')} ${mysqlOnly('@djaffar_statement = @@SESSION.max_execution_time')}, ` +
        `${set} ${mariadb(`SESSION max_statement_time = ${statement / 1000}`)} ${mysqlOnly(`SESSION max_execution_time = ${statement}`)}`,
    ],
    after: [
      `SET ${restore} ${mariadb('SESSION max_statement_time = @djaffar_statement')} ${mysqlOnly('SESSION max_execution_time = @djaffar_statement')}`,
    ],
  };
}

/** The server has no limit for a transaction that is idle, only for a connection. */
function bounded(bounds: Bounds): Record<string, string> {
  return {
    innodb_lock_wait_timeout: seconds(bounds.lock),
    lock_wait_timeout: seconds(bounds.lock),
    wait_timeout: seconds(bounds.idle),
  };
}

/** @param statement milliseconds */
function settingsFor(statement: number): ReturnType<typeof settings> {
  const bounds = { ...BOUNDS, statement };
  // Else texts that begin with the same 1,024 bytes are one in a `GROUP BY`; the longest path has 8,192.
  return settings({ ...bounded(bounds), max_sort_length: '8192' }, bounds);
}

/** In UTC, as an hour of local time comes twice a year. */
const NOW = `TIMESTAMPDIFF(MICROSECOND, '1970-01-01', UTC_TIMESTAMP(3)) DIV 1000`;

/** `INSERT IGNORE` would pass over other errors too; this passes over rows with a known key. Our tables have no unique key but the primary one. */
function buildStatement({ table, columns, keys, rows, replace, add, version, clock }: Insert): Statement {
  const row = `(${[...columns.map(() => '?'), ...(clock ? [NOW] : [])].join(', ')})`;
  const values = rows.map(() => row).join(', ');
  const updates = replace
    ? columns.map((column) => `${column} = VALUES(${column})`)
    : add
      ? [`${add} = ${table}.${add} + VALUES(${add})`]
      : version
        ? // MySQL assigns the columns in order, so the version must be the last one.
          columns.map(
            (column) =>
              `${column} = IF(${table}.${version} = VALUES(${version}) - 1, VALUES(${column}), ${table}.${column})`,
          )
        : [`${columns[0]} = ${table}.${columns[0]}`];
  const into = clock ? [...columns, clock] : columns;
  const onDuplicate = keys > 0 ? ` ON DUPLICATE KEY UPDATE ${updates.join(', ')}` : '';
  const sql = `INSERT INTO ${table} (${into.join(', ')}) VALUES ${values}${onDuplicate}`;
  return [sql, parametersOf(rows)];
}

const EPOCH = `TIMESTAMP'1970-01-01 00:00:00.000000'`;
// MariaDB rejects a cast to milliseconds in a generated column, because the SQL mode decides if it rounds; MySQL's `TRUNCATE` returns a
// number.
const DATE = `${EPOCH} + INTERVAL date * 1000 MICROSECOND`;
const TIMESTAMP = `/*M! TRUNCATE(${DATE}, 3) */ /*!50708 CAST(${DATE} AS DATETIME(3)) */`;

export const mysql: Dialect = {
  /** MariaDB itself cancels statements that take too long; on MySQL, whose limit is for SELECT only, the connection is ended. */
  async write(connection, inserts, within) {
    const bounds = { lock: within, statement: within, idle: BOUNDS.idle };
    const { before, after } = settings(bounded(bounds), bounds);
    const deadline = monotonicClock.now() + within;
    const { runner } = connection;
    await runTransaction(connection, { before, after }, async () => {
      for (const each of inserts) {
        if (monotonicClock.now() > deadline) throw new UnavailableError('the database is too slow');
        await runner.query(...buildStatement(each));
      }
      await runner.commitTransaction();
    });
  },

  statements: (inserts) => inserts.map(buildStatement),

  transact: (dataSource, guard, statements, signal) =>
    transact(
      dataSource,
      settingsFor(connectionsOf(dataSource).statementBound),
      guard,
      statements,
      buildStatement,
      signal,
    ),

  rows: (dataSource, query) =>
    queryPrimary(dataSource, (_, runner) => query.setQueryRunner(runner).getRawMany()),
  reading: (dataSource, read, signal) =>
    readingIn(dataSource, settingsFor(connectionsOf(dataSource).readingBound), read, signal),
  committed: (dataSource, [sql, parameters], signal) =>
    readingIn(
      dataSource,
      settingsFor(connectionsOf(dataSource).readingBound),
      (manager) => manager.query(sql, parameters),
      signal,
    ),

  now: NOW,
  // The snapshot is taken when the first table is read.
  startOfReading: NOW,

  maxText: 60_000,

  sortsForDistinct: false,

  erasedAtOnce: 1000,

  hasLateral: false,

  binary: (column) => column,
  pathKey: (column) => column,

  hasWord: (column, words, before) => `${column} REGEXP '${wordPattern(words, before)}'`,

  contains: (column, text) => `INSTR(${column}, ${text}) > 0`,

  // In UTC, whatever the time zone of the session is.
  timestamp: (column) =>
    `CAST(TIMESTAMP('1970-01-01') + INTERVAL ${column} * 1000 MICROSECOND AS DATETIME(3))`,
  // MariaDB has no indexes of expressions. It is stored, because to purge rows with an index of a virtual column, InnoDB has to
  // compute it in the background.
  timestampColumn: { name: 'timestamp', definition: `timestamp DATETIME(3) AS (${TIMESTAMP}) STORED` },
  json: (column) => column,

  serialType: 'bigint',
  uuidLength: '36',
  // MariaDB orders its type `uuid` differently.
  idOrder: (column) => `CAST(${column} AS CHAR(36))`,
  property: (column, key) => {
    const value = `JSON_EXTRACT(${column}, CONCAT('$.', JSON_QUOTE(${key})))`;
    // The empty text is there for its collation.
    const text = `CONCAT(LEFT(${column}, 0), JSON_UNQUOTE(${value}))`;
    return `CASE WHEN JSON_TYPE(${value}) IN ('OBJECT', 'ARRAY', 'NULL') THEN NULL ELSE ${text} END`;
  },
  whole: (sql) => `TRUNCATE(${sql}, 0)`,
  number: (column, key) => {
    const value = `JSON_EXTRACT(${column}, CONCAT('$.', JSON_QUOTE(${key})))`;
    const types = `('INTEGER', 'UNSIGNED INTEGER', 'DOUBLE', 'DECIMAL')`;
    return `CASE WHEN JSON_TYPE(${value}) IN ${types} THEN CAST(${value} AS DOUBLE) END`;
  },

  async exactText(runner) {
    const [{ version }]: [{ version: string }] = await runner.query('SELECT VERSION() AS version');
    // Neither pads with spaces, so that 'a' and 'a ' are two.
    return {
      charset: 'utf8mb4',
      collation: /mariadb/i.test(version) ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin',
    };
  },

  activityIndexes: (table) => [
    `djaffar_activity_date ON ${table} (date)`,
    // For those who write SQL with the view.
    `djaffar_activity_timestamp ON ${table} (timestamp)`,
    `djaffar_activity_received ON ${table} (receivedAt)`,
    // A key part holds at most 3,072 bytes.
    `djaffar_activity_path ON ${table} (path(${PATH_KEY_LENGTH}))`,
    `djaffar_activity_page ON ${table} (page(${PATH_KEY_LENGTH}))`,
    `djaffar_activity_user ON ${table} (userId)`,
    `djaffar_activity_subject ON ${table} (subject)`,
    // With the date: a customer asks for its own latest ones, and its scope is in every question.
    `djaffar_activity_group ON ${table} (groupId, date)`,
  ],
  // It has no index of a part, and looks a session up by its id.
  sessionIndexes: () => [],
  pathIndex: (table) => `djaffar_path_text ON ${table} (path(${PATH_KEY_LENGTH}))`,
  indexNames: `SELECT DISTINCT index_name AS name FROM information_schema.statistics WHERE table_schema = DATABASE()`,
};
