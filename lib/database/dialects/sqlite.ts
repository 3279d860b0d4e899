import { setImmediate, setTimeout as pause } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { BOUNDS } from '../time-limits.js';
import { connectionsOf } from '../connections.js';
import { type Connection, connectionOf, withBusyTimeout } from '../drivers/sqlite-connection.js';
import { queryPrimary, onPrimary } from '../primary.js';
import { classifyFailure } from '../driver.js';
import { monotonicClock } from '../../time/clock.js';
import type { Dialect, Insert, Statement } from './dialect.types.js';
import { parametersOf } from './fragments.js';

/** Rows in one statement, below SQLite's limit of 32,766 parameters. */
const ROWS_PER_STATEMENT = 500;

class Busy extends Error {
  readonly code = 'SQLITE_BUSY';
}

const OPEN_TRANSACTION = 'another transaction is open on the SQLite connection';

/** Milliseconds that SQLite itself may wait for a lock of another process. */
const BUSY_TIMEOUT = 20;
/** Milliseconds between two attempts. */
const RETRY = 50;

const NOW = `CAST(ROUND((julianday('now') - 2440587.5) * 86400000) AS INTEGER)`;

function buildStatements({ table, columns, keys, rows, replace, add, version, clock }: Insert): Statement[] {
  const row = `(${[...columns.map(() => '?'), ...(clock ? [NOW] : [])].join(', ')})`;
  const into = clock ? [...columns, clock] : columns;
  const updates = add
    ? [`${add} = ${table}.${add} + excluded.${add}`]
    : columns.map((column) => `${column} = excluded.${column}`);
  const newer = version ? ` WHERE ${table}.${version} = excluded.${version} - 1` : '';
  const action = replace || add || version ? `UPDATE SET ${updates.join(', ')}${newer}` : 'NOTHING';
  const onConflict = keys > 0 ? ` ON CONFLICT (${columns.slice(0, keys).join(', ')}) DO ${action}` : '';
  const statements: Statement[] = [];
  for (let at = 0; at < rows.length; at += ROWS_PER_STATEMENT) {
    const some = rows.slice(at, at + ROWS_PER_STATEMENT);
    const values = some.map(() => row).join(', ');
    const sql = `INSERT INTO ${table} (${into.join(', ')}) VALUES ${values}${onConflict}`;
    statements.push([sql, parametersOf(some)]);
  }
  return statements;
}

function insert(connection: Connection, each: Insert): void {
  for (const [sql, parameters] of buildStatements(each)) connection.prepare(sql).run(...parameters);
}

function run(connection: Connection, statement: Statement | Insert): void {
  if (!Array.isArray(statement)) return insert(connection, statement);
  const [sql, parameters] = statement;
  connection.prepare(sql).run(...parameters);
}

/**
 * TypeORM shares one SQLite connection between all callers, and a transaction on it includes all statements that others run in the
 * meantime. So our transaction runs synchronously, and never inside another one, which might roll back.
 * @param work returns 0 if there is nothing to do
 */
function inTransaction(dataSource: DataSource, work: (connection: Connection) => number): number {
  const connection = connectionOf(dataSource);
  if (connection.inTransaction) throw new Busy(OPEN_TRANSACTION);
  return withBusyTimeout(connection, BUSY_TIMEOUT, () => {
    connection.exec('BEGIN IMMEDIATE');
    try {
      const changes = work(connection);
      connection.exec(changes > 0 ? 'COMMIT' : 'ROLLBACK');
      return changes;
    } catch (error) {
      if (connection.inTransaction) connection.exec('ROLLBACK');
      throw error;
    }
  });
}

/** Tries again while another process, or a transaction of the host, has the database. */
async function retryWhileLocked<T>(
  dataSource: DataSource,
  signal: AbortSignal | undefined,
  work: () => T,
): Promise<T> {
  const deadline = monotonicClock.now() + BOUNDS.lock;
  for (;;) {
    signal?.throwIfAborted();
    connectionsOf(dataSource).throwIfAborted();
    try {
      return work();
    } catch (error) {
      if (!classifyFailure(dataSource, error)?.isLocked || monotonicClock.now() > deadline) throw error;
      await pause(RETRY);
    }
  }
}

/** In UTC, such as `2026-11-26 12:00:00.123`. */
const timestamp = (column: string): string =>
  `strftime('%Y-%m-%d %H:%M:%f', ${column} / 1000.0, 'unixepoch')`;

export const sqlite: Dialect = {
  async write({ dataSource }, inserts) {
    inTransaction(dataSource, (connection) => {
      for (const each of inserts) insert(connection, each);
      return inserts.length;
    });
  },

  statements: (inserts) => inserts.flatMap(buildStatements),

  async transact(dataSource, [sql, parameters], statements, signal, onBlocking) {
    const changed = await retryWhileLocked(dataSource, signal, () => {
      const begun = process.cpuUsage();
      const changes = inTransaction(dataSource, (connection) => {
        const guarded = connection.prepare(sql).run(...parameters).changes;
        if (guarded > 0) for (const each of statements) run(connection, each);
        return guarded;
      });
      // CPU time, not elapsed time: time that other programs use does not depend on the size of a step.
      const { user, system } = process.cpuUsage(begun);
      onBlocking?.((user + system) / 1000);
      return changes;
    });
    // Otherwise transactions that follow each other would stop the event loop together.
    await setImmediate();
    return changed;
  },

  rows: (dataSource, query) =>
    queryPrimary(dataSource, (_, runner) => query.setQueryRunner(runner).getRawMany()),
  reading: (dataSource, read, signal) => onPrimary(dataSource, read, signal),
  // The connection is the host's, too, and sees what its open transaction has written.
  committed: <T>(dataSource: DataSource, [sql, parameters]: Statement, signal: AbortSignal) =>
    retryWhileLocked(dataSource, signal, () => {
      const connection = connectionOf(dataSource);
      if (connection.inTransaction) throw new Busy(OPEN_TRANSACTION);
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the caller knows the type of a row, as with TypeORM's own
      return withBusyTimeout(connection, BUSY_TIMEOUT, () =>
        connection.prepare(sql).all(...parameters),
      ) as T[];
    }),

  now: NOW,
  // The snapshot is taken when the first table is read.
  startOfReading: NOW,

  maxText: 1_000_000,

  sortsForDistinct: false,

  // Each transaction blocks the event loop.
  erasedAtOnce: 100,

  hasLateral: false,

  binary: (column) => column,
  pathKey: (column) => column,

  hasWord: (column, words, before) => {
    const patterns = words.flatMap((word) => [`${word}*`, `*[${before}]${word}*`]);
    return `(${patterns.map((pattern) => `${column} GLOB '${pattern}'`).join(' OR ')})`;
  },

  contains: (column, text) => `INSTR(${column}, ${text}) > 0`,

  timestamp,
  json: (column) => column,

  serialType: 'integer',
  uuidLength: '',
  idOrder: (column) => column,
  property: (column, key) => {
    // The text of the stored number, as JavaScript wrote it.
    const scalar = `CASE type WHEN 'true' THEN 'true' WHEN 'false' THEN 'false' WHEN 'real' THEN COALESCE(${column} -> fullkey, CAST(value AS TEXT)) ELSE CAST(value AS TEXT) END`;
    return `(SELECT ${scalar} FROM json_each(${column}) WHERE key = ${key} AND type NOT IN ('object', 'array', 'null'))`;
  },
  whole: (sql) => `CAST(${sql} AS INTEGER)`,
  number: (column, key) =>
    `(SELECT CAST(value AS REAL) FROM json_each(${column}) WHERE key = ${key} AND type IN ('integer', 'real'))`,

  exactText: async () => ({}),

  writtenLast: (alias, table) => `${alias}.rowid > (SELECT max(rowid) - 2000 FROM ${table})`,

  activityIndexes: (table) => [
    `djaffar_activity_date ON ${table} (date)`,
    // For those who write SQL with the view.
    `djaffar_activity_timestamp ON ${table} (${timestamp('date')})`,
    `djaffar_activity_path ON ${table} (path)`,
    `djaffar_activity_page ON ${table} (page) WHERE page IS NOT NULL`,
    `djaffar_activity_user ON ${table} ("userId") WHERE "userId" IS NOT NULL`,
    `djaffar_activity_subject ON ${table} (subject) WHERE subject IS NOT NULL`,
    // With the date: a customer asks for its own latest ones, and its scope is in every question.
    `djaffar_activity_group ON ${table} ("groupId", date) WHERE "groupId" IS NOT NULL`,
  ],
  sessionIndexes: (table) => [`djaffar_session_bot ON ${table} (id) WHERE bot`],
  pathIndex: (table) => `djaffar_path_text ON ${table} (path)`,
  indexNames: `SELECT name FROM sqlite_master WHERE type = 'index'`,
};
