import type {
  DataSource,
  EntityManager,
  ObjectLiteral,
  QueryRunner,
  SelectQueryBuilder,
  TableColumnOptions,
} from 'typeorm';
import type { Records } from '../../store/records.js';
import type { LentConnection } from '../connections.js';
import type { Standby } from '../standbys/standby.js';

/** Rows to insert into one table; the values of a row are in the order of `columns`. */
export interface Insert {
  /** Escaped, ready for SQL. */
  table: string;
  /** Escaped, ready for SQL; those of the primary key first. */
  columns: string[];
  /** The number of columns in the primary key; 0 if the database generates it, so that all rows are new. */
  keys: number;
  /** The database's types of the columns. */
  types: string[];
  rows: unknown[][];
  /** Whether a row replaces one with the same primary key; otherwise it is skipped. */
  replace?: boolean;
  /** A column (escaped for SQL) that is added to that of a row with the same primary key, which is otherwise unchanged. */
  add?: string | undefined;
  /**
   * The last of the columns, a number (escaped for SQL): a row replaces one with the same primary key only if its number is greater
   * by one.
   */
  version?: string | undefined;
  /** An additional column (escaped for SQL) that is set to the database's clock. */
  clock?: string | undefined;
}

/** SQL with the parameters as the database takes them. */
export type Statement = [sql: string, parameters: unknown[]];

/** SQL that differs between the databases, and how it is executed. */
export interface Dialect {
  /**
   * Writes all of the inserts or none. Rows whose primary key is stored already are skipped.
   * @param within milliseconds until it is cancelled; then nothing is written, unless the database does not answer
   */
  write(connection: LentConnection, inserts: Insert[], within: number): Promise<void>;

  /** Returns the statements of the inserts, for a transaction that is already open. */
  statements(inserts: Insert[]): Statement[];

  /**
   * Executes all of the statements or none, in their order.
   * @param guard runs first; if it changes no row, nothing is done
   * @param signal if it aborts before the commit, the connection is destroyed and nothing is done
   * @param onBlocking called if the database runs in this process, with the milliseconds of processor time for which the
   * transaction has blocked the event loop, without waits and failed attempts
   * @returns how many rows the guard changed
   */
  transact(
    dataSource: DataSource,
    guard: Statement,
    statements: (Statement | Insert)[],
    signal?: AbortSignal,
    onBlocking?: (milliseconds: number) => void,
  ): Promise<number>;

  /** Reads rows as the driver returns them, for queries of very many rows. */
  rows<T extends ObjectLiteral>(
    dataSource: DataSource,
    query: SelectQueryBuilder<ObjectLiteral>,
    standby?: Standby,
  ): Promise<T[]>;

  /**
   * Reads rows as text, if the database can write it. The driver takes longer to parse single values than the database to find
   * them.
   * @param columns their names, in the order of the record
   */
  records?: (
    dataSource: DataSource,
    query: SelectQueryBuilder<ObjectLiteral>,
    columns: string[],
    standby?: Standby,
  ) => Promise<Records & { last: string }>;

  /**
   * Runs several queries in one snapshot, with settings for few and large queries.
   * @param signal if it aborts, the connection is destroyed
   * @param standby that is read, if the database has {@link Driver.standbyPools}
   */
  reading<T>(
    dataSource: DataSource,
    read: (manager: EntityManager) => Promise<T>,
    signal?: AbortSignal,
    standby?: Standby,
  ): Promise<T>;

  /**
   * Returns only committed rows, never those of an open transaction, whatever isolation level the host has set.
   * @param signal if it aborts, the connection is destroyed
   */
  committed<T>(dataSource: DataSource, query: Statement, signal: AbortSignal): Promise<T[]>;

  /** The SQL of the database's clock: whole milliseconds since 1970. */
  now: string;

  /** The SQL of a time that is not later than the snapshot of {@link reading}, if it is in the first query of that transaction. */
  startOfReading: string;

  /** The maximum number of bytes of a cached count. MySQL's type `text` has 65,535. */
  readonly maxText: number;

  /** Whether it sorts all rows for `COUNT(DISTINCT …)`, but hashes for `SELECT DISTINCT`. On other databases, `SELECT DISTINCT` takes several times as long. */
  readonly sortsForDistinct: boolean;

  /** How many activities are erased in one transaction. */
  erasedAtOnce: number;

  /** Whether the database has `LATERAL` joins, and `percentile_cont` for medians. */
  hasLateral: boolean;

  /** The SQL of a text column that compares by code points. */
  binary(column: string): string;

  /** The SQL of the indexed part of the path column: its first {@link PATH_KEY_LENGTH} characters, or all. */
  pathKey(column: string): string;

  /** The SQL of milliseconds since 1970 as a timestamp. */
  timestamp(column: string): string;

  /**
   * An additional column of activities with their date as a timestamp, if the database cannot index the expression
   * {@link timestamp} of the date.
   */
  timestampColumn?: {
    name: string;
    /** The definition after `ALTER TABLE … ADD COLUMN`. */
    definition: string;
  };

  /** The SQL that converts JSON text to the type of the database's JSON operators. */
  json(column: string): string;

  /** The SQL that orders ids by their text. */
  idOrder(column: string): string;

  /**
   * The SQL of a property's value as text: `null` if it is not a string, a number or a boolean.
   * @param column the properties
   * @param key the SQL of the key, such as a parameter
   */
  property(column: string, key: string): string;

  /** The SQL of a property's value in double precision: `null` if it is not a JSON number. */
  number(column: string, key: string): string;

  /** The SQL of a number in double precision without its decimals. */
  whole: (sql: string) => string;

  /**
   * The SQL condition that a text has one of the words at its beginning, or after one of the characters.
   * @param words each of letters, digits, `+` and `-`
   * @param before the characters, as in a pattern's brackets
   */
  hasWord(column: string, words: string[], before: string): string;

  /** The SQL condition that a text contains another, compared by code points. */
  contains(column: string, text: string): string;

  /** The type of an integer that the database numbers rows with. */
  serialType: string;

  /** The column options of a UUID if the database, as TypeORM knows it, stores it as text. */
  uuidLength: string;

  /** The part of a column definition that makes its text sensitive to case, accents and trailing spaces. */
  exactText(runner: QueryRunner): Promise<Pick<TableColumnOptions, 'charset' | 'collation'>>;

  /**
   * The SQL condition for the last written rows (at least 2,000), if there is no index of `receivedAt`.
   * @param table escaped
   */
  writtenLast?: (alias: string, table: string) => string;

  /** The text after `CREATE INDEX` for the indexes of activities that TypeORM cannot describe. */
  activityIndexes(table: string): string[];

  /** The text after `CREATE INDEX` for the indexes of sessions. */
  sessionIndexes(table: string): string[];

  /** The text after `CREATE INDEX` for the index of stored paths. */
  pathIndex(table: string): string;

  /** SQL that returns the `name` of each valid index of the database. */
  indexNames: string;
}

/** Indexed characters of a path, if the database limits the length of index rows. */
export const PATH_KEY_LENGTH = 200;
