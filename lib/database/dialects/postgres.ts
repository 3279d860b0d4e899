import type { DataSource } from 'typeorm';
import { BOUNDS } from '../time-limits.js';
import { connectionsOf, type LentConnection } from '../connections.js';
import { cancel, type Cancellable } from '../drivers/postgres-cancel.js';
import type { Standby } from '../standbys/standby.js';
import { driverError } from '../failure.js';
import { type Dialect, type Insert, PATH_KEY_LENGTH } from './dialect.types.js';
import type { Records } from '../../store/records.js';
import { readingIn, transact } from './transact.js';
import { wordPattern } from './fragments.js';

/** The part of the driver's client that is used here. */
interface Client extends Cancellable {
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- the caller knows the type of a row, as with TypeORM's own
  query<T>(query: Query, callback: (error: Error | null, result: { rows: T[] }) => void): void;
}

interface Query {
  name?: string;
  text: string;
  values: unknown[];
}

/**
 * Uses a callback: with the driver's promise, parameters and results stay in memory until a full garbage collection. That takes twice the
 * memory and a third more time.
 */
function ask<T>(client: Client, query: Query): Promise<T[]> {
  return new Promise((resolve, reject) => {
    client.query<T>(query, (error, result) => (error ? reject(error) : resolve(result.rows)));
  });
}

/** Runs the query and logs it as TypeORM would. */
async function logged<T>(
  { dataSource, runner, raw }: LentConnection,
  { text, values }: Query,
  run: (client: Client) => Promise<T>,
): Promise<T> {
  dataSource.logger.logQuery(text, values, runner);
  try {
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- TypeORM gives the driver's own, without a type
    return await run(raw as Client);
  } catch (error) {
    dataSource.logger.logQueryError(error instanceof Error ? error : String(error), text, values, runner);
    throw error;
  }
}

/** Reads on a separate connection, within the limits for questions. */
function read<T>(dataSource: DataSource, query: Query, standby?: Standby): Promise<T[]> {
  const connections = connectionsOf(dataSource);
  return connections.ask(
    async (signal) => {
      const use = (until: AbortSignal): Promise<T[]> =>
        connections.use((connection) => logged(connection, query, (client) => ask<T>(client, query)), until, {
          standby,
        });
      return standby ? standby.whileAnswering(signal, use) : use(signal);
    },
    // If a standby fails, the primary answers, so nothing is logged.
    standby && { symptom: null },
  );
}

/**
 * Data sources whose connections lose prepared statements: an old PgBouncer uses another server connection for each transaction,
 * and `DISCARD ALL` drops them.
 */
const forgetful = new WeakSet<DataSource>();

/** Milliseconds between cancel requests, because the first may arrive before the statement. */
const CANCEL_AGAIN = 50;

const toMilliseconds = (timestamp: string): string =>
  `floor(extract(epoch from ${timestamp}) * 1000)::bigint`;
const NOW = toMilliseconds('clock_timestamp()');

/** One parameter for each column, for any number of rows. */
function insert(
  { table, columns, types, keys, replace, add, version, clock }: Insert,
  firstParameter: number,
): string {
  const arrays = types.map((type, i) => `$${firstParameter + i}::${type}[]`).join(', ');
  const updates = add
    ? [`${add} = ${table}.${add} + EXCLUDED.${add}`]
    : columns.map((column) => `${column} = EXCLUDED.${column}`);
  const newer = version ? ` WHERE ${table}.${version} = EXCLUDED.${version} - 1` : '';
  const conflict = replace || add || version ? `UPDATE SET ${updates.join(', ')}${newer}` : 'NOTHING';
  const onConflict = keys > 0 ? ` ON CONFLICT (${columns.slice(0, keys).join(', ')}) DO ${conflict}` : '';
  const [into, values] = clock ? [[...columns, clock], `*, ${NOW}`] : [columns, '*'];
  return `INSERT INTO ${table} (${into.join(', ')}) SELECT ${values} FROM unnest(${arrays})${onConflict}`;
}

/** Joins the inserts into one statement, which needs one transaction and one round trip: all but the last are common table expressions. */
function joinInserts(inserts: Insert[]): string {
  let parameter = 1;
  const statements = inserts.map((each) => {
    const sql = insert(each, parameter);
    parameter += each.columns.length;
    return sql;
  });
  const last = statements.pop();
  const others = statements.map((sql, i) => `insert_${i} AS (${sql})`);
  return others.length > 0 ? `WITH ${others.join(', ')} ${last}` : `${last}`;
}

function transpose({ columns, rows }: Insert): unknown[][] {
  return columns.map((_, i) => rows.map((row) => row[i]));
}

/** True if the prepared statement is missing, or its name belongs to another one. Nothing was done then. */
function isForgotten(error: unknown): boolean {
  const { code } = driverError(error);
  return code === '26000' || code === '42P05';
}

/** @param statement milliseconds */
function buildTimeouts(statement: number): string[] {
  return [
    `SET LOCAL lock_timeout = ${BOUNDS.lock}`,
    `SET LOCAL statement_timeout = ${statement}`,
    `SET LOCAL idle_in_transaction_session_timeout = ${BOUNDS.idle}`,
  ];
}

const FOR_READING = [
  'SET TRANSACTION READ ONLY',
  // JIT compilation of a series with many intervals takes longer than running it.
  'SET LOCAL jit = off',
  // Enough memory to count by visitor without temporary files on disk.
  `SET LOCAL work_mem = '64MB'`,
];

const timestamp = (column: string): string => `to_timestamp(${column} / 1000.0)`;

export const postgres: Dialect = {
  /**
   * One statement is a transaction of its own, so it needs no limits on the server: it is never idle, and it holds no lock while it
   * waits for one.
   */
  async write(connection, inserts, within) {
    const { dataSource } = connection;
    const query: Query = { text: joinInserts(inserts), values: inserts.flatMap(transpose) };
    // TypeORM's query() cannot use prepared statements; planning each time takes a sixth of the database's time.
    const name = `djaffar_${inserts.map(({ columns }) => columns.length).join('_')}`;
    let isCancelled = false;
    await logged(connection, query, async (client) => {
      let timer = setTimeout(function again() {
        isCancelled = true;
        cancel(client);
        timer = setTimeout(again, CANCEL_AGAIN);
      }, within);
      // The name does not depend on the table.
      const isPrepared = inserts.length > 1 && !forgetful.has(dataSource);
      try {
        await ask(client, { ...query, ...(isPrepared && { name }) });
      } catch (error) {
        if (!isPrepared || !isForgotten(error)) throw error;
        forgetful.add(dataSource);
        await ask(client, query);
      } finally {
        clearTimeout(timer);
        // A late cancel request would cancel the next statement of the connection.
        if (isCancelled) {
          connection.destroy();
          // The server may still wait for a lock, and could later store activities that were refused.
          cancel(client);
        }
      }
    });
  },

  statements: (inserts) => [[joinInserts(inserts), inserts.flatMap(transpose)]],

  rows: (dataSource, query, standby) => {
    const [text, values] = query.getQueryAndParameters();
    return read(dataSource, { text, values }, standby);
  },

  records: async (dataSource, query, columns, standby) => {
    const [page, values] = query.getQueryAndParameters();
    const record = `ROW(${columns.map((column) => `"${column}"`).join(', ')})::text AS record`;
    // Without OFFSET, each record would be computed twice, once for each use.
    const text = `SELECT count(*)::int AS count, coalesce(string_agg(record, ''), '') AS text, coalesce((array_agg(record))[count(*)], '') AS last FROM (SELECT ${record} FROM (${page}) page OFFSET 0) records`;
    const [found] = await read<Records & { last: string }>(dataSource, { text, values }, standby);
    if (!found) throw new Error('an aggregate has one row');
    return found;
  },

  transact: (dataSource, guard, statements, signal) =>
    transact(
      dataSource,
      { inside: [buildTimeouts(connectionsOf(dataSource).statementBound).join('; ')] },
      guard,
      statements,
      (each) => [insert(each, 1), transpose(each)],
      signal,
    ),
  reading: (dataSource, read_, signal, standby) => {
    const bounds = buildTimeouts(connectionsOf(dataSource).readingBound);
    const settings = { inside: [[...FOR_READING, ...bounds].join('; ')] };
    return readingIn(dataSource, settings, read_, signal, standby);
  },
  committed: (dataSource, [sql, parameters], signal) =>
    connectionsOf(dataSource).use(({ runner }) => runner.query(sql, parameters), signal),

  now: NOW,
  // A query takes its snapshot before it looks at the clock. The transaction began before both.
  startOfReading: toMilliseconds('transaction_timestamp()'),

  maxText: 1_000_000,

  sortsForDistinct: true,

  erasedAtOnce: 1000,

  hasLateral: true,

  binary: (column) => `${column} COLLATE "C"`,
  pathKey: (column) => `left(${column}, ${PATH_KEY_LENGTH}) COLLATE "C"`,

  hasWord: (column, words, before) => {
    // Nearly all texts contain none of them, and LIKE excludes these in a fraction of the time.
    const maybe = words.map((word) => `${column} LIKE '%${word}%'`).join(' OR ');
    return `((${maybe}) AND ${column} ~ '${wordPattern(words, before)}')`;
  },

  contains: (column, text) => `strpos(${column}, ${text}) > 0`,

  timestamp,
  json: (column) => `${column}::jsonb`,

  serialType: 'bigint',
  uuidLength: '',
  idOrder: (column) => column,
  property: (column, key) => {
    // json, because jsonb formats numbers differently than JavaScript.
    const properties = `${column}::json`;
    return `CASE WHEN json_typeof(${properties} -> ${key}) IN ('string', 'number', 'boolean') THEN ${properties} ->> ${key} END`;
  },
  whole: (sql) => `trunc(${sql})`,
  number: (column, key) => {
    const properties = `${column}::jsonb`;
    return `CASE WHEN jsonb_typeof(${properties} -> ${key}) = 'number' THEN (${properties} ->> ${key})::float8 END`;
  },

  exactText: async () => ({}),

  activityIndexes: (table) => [
    `djaffar_activity_date ON ${table} (date)`,
    // For users who write SQL with ranges of timestamps.
    `djaffar_activity_timestamp ON ${table} ((${timestamp('date')}))`,
    // Rows are nearly in the order of receipt, so a BRIN index needs 24 bytes for each 32 pages.
    `djaffar_activity_received ON ${table} USING brin ("receivedAt") WITH (pages_per_range = 32, autosummarize = on)`,
    // An index row holds at most 2,704 bytes; the "C" collation serves prefixes too.
    `djaffar_activity_path ON ${table} (left(path, ${PATH_KEY_LENGTH}) COLLATE "C")`,
    // Most paths are their own pages.
    `djaffar_activity_page ON ${table} (left(page, ${PATH_KEY_LENGTH}) COLLATE "C") WHERE page IS NOT NULL`,
    `djaffar_activity_user ON ${table} ("userId") WHERE "userId" IS NOT NULL`,
    `djaffar_activity_subject ON ${table} (subject) WHERE subject IS NOT NULL`,
    // With the date: a customer asks for its own latest ones, and its scope is in every question.
    `djaffar_activity_group ON ${table} ("groupId", date) WHERE "groupId" IS NOT NULL`,
  ],
  // Bots are few, so excluding them is faster than joining all sessions.
  sessionIndexes: (table) => [`djaffar_session_bot ON ${table} (id) WHERE bot`],
  pathIndex: (table) => `djaffar_path_text ON ${table} (left(path, ${PATH_KEY_LENGTH}) COLLATE "C")`,
  indexNames: `SELECT relname AS name FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid WHERE indisvalid`,
};
