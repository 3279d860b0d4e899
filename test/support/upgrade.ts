import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DataSource, Migration, ObjectLiteral } from 'typeorm';
import { dialectOf } from '../../lib/database/dialects/dialect.js';
import type { DatabaseName } from './databases.js';

type Statement = [sql: string, parameters?: unknown[] | ObjectLiteral];

interface Rows {
  columns: string[];
  rows: unknown[][];
}

/** A database of a released version, with data, as statements that restore it. */
export interface ReleasedDatabase {
  /** Its migrations, in order. */
  migrations: Statement[];
  /** The rows of each table, as the driver returned them. */
  tables: Record<string, Rows>;
  /** The statements with which an instance of that version stores further activities. */
  writes: Statement[];
  /** Its results for the questions of the test, before and after these writes. */
  answers: { before: unknown; after: unknown };
}

const FOLDER = join(process.cwd(), 'test/support/upgrades');

const fileOf = (version: string, database: DatabaseName): string =>
  join(FOLDER, `${version}-${database}.json`);

/** Returns the versions whose databases were recorded. */
export function findVersions(database: DatabaseName): string[] {
  const suffix = `-${database}.json`;
  return readdirSync(FOLDER).flatMap((file) => (file.endsWith(suffix) ? file.slice(0, -suffix.length) : []));
}

export function readReleased(version: string, database: DatabaseName): ReleasedDatabase {
  return JSON.parse(readFileSync(fileOf(version, database), 'utf8'), decode) as ReleasedDatabase;
}

export function writeReleased(version: string, database: DatabaseName, released: ReleasedDatabase): void {
  const { migrations, tables, writes, answers } = released;
  const lines = (values: unknown[]): string =>
    `[\n${values.map((value) => JSON.stringify(encode(value))).join(',\n')}\n]`;
  const parts = [
    `"migrations": ${lines(migrations)}`,
    `"tables": {\n${Object.entries(tables)
      .map(
        ([name, { columns, rows }]) =>
          `${JSON.stringify(name)}: { "columns": ${JSON.stringify(columns)}, "rows": ${lines(rows)} }`,
      )
      .join(',\n')}\n}`,
    `"writes": ${lines(writes)}`,
    `"answers": ${JSON.stringify(answers, null, 1)}`,
  ];
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(fileOf(version, database), `{\n${parts.join(',\n')}\n}\n`);
}

/** Runs the migrations, and returns the statements that they have sent. */
export async function recordMigrations(dataSource: DataSource): Promise<Statement[]> {
  const statements: Statement[] = [];
  const none = (): void => {};
  const prefix = `\`${String(dataSource.driver.database)}\`.`;
  dataSource.setOptions({
    logging: true,
    logger: {
      logQuery: (text, parameters) => {
        // On MariaDB, TypeORM's statements contain the database's name, which will be different.
        const sql = text.replaceAll(prefix, '');
        const isSent = !/^\s*(SELECT|SHOW|START|BEGIN|COMMIT|ROLLBACK|PRAGMA)/i.test(sql);
        if (isSent) statements.push(parameters?.length ? [sql, parameters] : [sql]);
      },
      logQueryError: none,
      logQuerySlow: none,
      logSchemaBuild: none,
      logMigration: none,
      log: none,
    },
  });
  const run: Migration[] = await dataSource.runMigrations();
  dataSource.setOptions({ logging: false });
  if (run.length === 0) throw new Error('the migrations have been run already');
  return statements;
}

/** Returns all rows of the tables of Djaffar. */
export async function readTables(dataSource: DataSource): Promise<Record<string, Rows>> {
  const tables: Record<string, Rows> = {};
  for (const { tableName, tableType, columns } of dataSource.entityMetadatas) {
    if (!tableName.startsWith('djaffar_') || tableType !== 'regular') continue;
    const names = columns.map(({ databaseName }) => databaseName);
    const found: Record<string, unknown>[] = await dataSource.query(`SELECT * FROM ${tableName}`);
    tables[tableName] = { columns: names, rows: found.map((row) => names.map((name) => row[name])) };
  }
  return tables;
}

/** Restores the recorded database. */
export async function restore(
  dataSource: DataSource,
  { migrations, tables }: ReleasedDatabase,
): Promise<void> {
  await send(dataSource, migrations);
  const isPostgres = dataSource.options.type === 'postgres';
  for (const [table, { columns, rows }] of Object.entries(tables)) {
    const names = columns.map((column) => dataSource.driver.escape(column)).join(', ');
    const values = columns.map((_, i) => (isPostgres ? `$${i + 1}` : '?')).join(', ');
    const sql = `INSERT INTO ${table} (${names}) ${isPostgres ? 'OVERRIDING SYSTEM VALUE ' : ''}VALUES (${values})`;
    await send(
      dataSource,
      rows.map((row): Statement => [sql, row.map(toParameter)]),
    );
  }
  if (!isPostgres) return;
  // PostgreSQL's sequences must be set; the other databases continue after the greatest number by themselves.
  const counted: { t: string; c: string }[] = await dataSource.query(
    `SELECT table_name AS t, column_name AS c FROM information_schema.columns WHERE table_name LIKE 'djaffar%' AND (is_identity = 'YES' OR column_default LIKE 'nextval%')`,
  );
  for (const { t, c } of counted)
    await dataSource.query(
      `SELECT setval(pg_get_serial_sequence('${t}', '${c}'), greatest(max("${c}"), 1)) FROM ${t}`,
    );
}

/** Sends statements one after the other. */
export async function send(dataSource: DataSource, statements: Statement[]): Promise<void> {
  for (const [sql, parameters] of statements) await dataSource.query(sql, parameters);
}

/** Records the statements that store activities, until the returned function is called. */
export function recordWrites(dataSource: DataSource): () => Statement[] {
  const statements: Statement[] = [];
  const dialect = dialectOf(dataSource);
  const write = dialect.write.bind(dialect);
  const spy = jest.spyOn(dialect, 'write').mockImplementation(async (connection, inserts, within) => {
    statements.push(...dialect.statements(inserts));
    return write(connection, inserts, within);
  });
  return () => {
    spy.mockRestore();
    return statements;
  };
}

function toParameter(value: unknown): unknown {
  const isJson = typeof value === 'object' && value !== null && !Buffer.isBuffer(value);
  return isJson && !(value instanceof Date) ? JSON.stringify(value) : value;
}

/** JSON has no bytes, and no dates. */
function encode(value: unknown): unknown {
  if (Buffer.isBuffer(value)) return { $bytes: value.toString('base64') };
  if (value instanceof Date) return { $date: value.getTime() };
  if (typeof value === 'bigint') return value.toString();
  return Array.isArray(value) ? value.map(encode) : value;
}

function decode(_key: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if ('$bytes' in value) return Buffer.from(String(value.$bytes), 'base64');
  if ('$date' in value) return new Date(Number(value.$date));
  return value;
}
