import { randomBytes } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { format } from 'mysql2';
import { DataSource, type DataSourceOptions, type QueryRunner } from 'typeorm';
import { djaffarEntities, djaffarMigrations } from '../../lib/index.js';
import { databaseOptions } from '../../sample/database.js';
import { cacheFolder } from './compiled.js';

/** The servers on which tests and benchmarks create databases; the defaults are those of setup/servers.mjs, which benchmarks do not run. */
const SERVERS = {
  postgres: process.env.TEST_POSTGRES_URL ?? 'postgres://postgres@127.0.0.1:5432/postgres',
  mariadb: process.env.TEST_MARIADB_URL ?? 'mariadb://root@127.0.0.1:3306/mysql',
} as const;

type ServerName = keyof typeof SERVERS;

export type DatabaseName = 'sqlite' | ServerName;

/** A store on which tests run. */
export type StoreName = DatabaseName | 'clickhouse';

export const STORES = (process.env.DJAFFAR_TEST_DATABASES ?? 'sqlite').split(',') as StoreName[];

/** The stores on TypeORM. */
export const FOUND = STORES.filter((name) => name !== 'clickhouse');

/** A database of a test, with the `DATABASE_URL` of the sample host and options for TypeORM. */
export interface TestDatabase {
  url: string;
  options: DataSourceOptions;
  drop(): Promise<void>;
}

/** Creates an empty database. */
export async function createDatabase(name: DatabaseName): Promise<TestDatabase> {
  if (name === 'sqlite') return createFile();
  const database = newName();
  await onServer(name, (server) => server.query(`CREATE DATABASE ${database}`));
  return databaseOn(name, database);
}

/** Creates a database with empty tables: a copy of one that is migrated once. */
export async function createMigratedDatabase(name: DatabaseName): Promise<TestDatabase> {
  if (name === 'sqlite') return createFile(await findFile('migrated.sqlite', migrateFile));
  const database = newName();
  await onServer(name, (server) => (name === 'postgres' ? copyTemplate : runDump)(server, database));
  return databaseOn(name, database);
}

function newName(): string {
  return `djaffar_test_${randomBytes(6).toString('hex')}`;
}

function databaseOn(name: ServerName, database: string): TestDatabase {
  const url = new URL(SERVERS[name]);
  url.pathname = database;
  const drop = `DROP DATABASE ${database}${name === 'postgres' ? ' WITH (FORCE)' : ''}`;
  return {
    url: url.href,
    options: databaseOptions(url.href),
    drop: () => onServer(name, (server) => server.query(drop)),
  };
}

function createFile(template?: string): TestDatabase {
  const folder = mkdtempSync(join(tmpdir(), 'djaffar-'));
  const file = join(folder, 'test.sqlite');
  if (template) copyFileSync(template, file);
  const url = `sqlite:${file}`;
  return {
    url,
    options: databaseOptions(url),
    drop: async () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Returns the path of a file that is written once for all tests with the same sources. */
async function findFile(name: string, write: (path: string) => Promise<void>): Promise<string> {
  const file = join(cacheFolder(), name);
  if (existsSync(file)) return file;
  const written = join(cacheFolder(), randomBytes(6).toString('hex'));
  await write(written);
  // Atomic, so that no other test reads half of it.
  renameSync(written, file);
  return file;
}

async function migrateFile(path: string): Promise<void> {
  const database = createFile();
  await migrate(database, (dataSource) => dataSource.query(`VACUUM INTO '${path}'`));
  await database.drop();
}

/** The database that tests copy on PostgreSQL. The global teardown drops it. */
const TEMPLATE = process.env.DJAFFAR_TEST_TEMPLATE ?? '';

async function copyTemplate(server: QueryRunner, database: string): Promise<void> {
  const findTemplate = (): Promise<unknown[]> =>
    server.query(`SELECT FROM pg_database WHERE datname = '${TEMPLATE}'`);
  if ((await findTemplate()).length === 0) {
    const migrated = newName();
    await server.query(`CREATE DATABASE ${migrated}`);
    await migrate(databaseOn('postgres', migrated));
    // Fails if another test was faster.
    await server.query(`ALTER DATABASE ${migrated} RENAME TO ${TEMPLATE}`).catch(async (error: unknown) => {
      await server.query(`DROP DATABASE ${migrated}`);
      if ((await findTemplate()).length === 0) throw error;
    });
  }
  await server.query(`CREATE DATABASE ${database} TEMPLATE ${TEMPLATE}`);
}

/** Stands for the name of the database in a dump. */
const NAME = '{database}';

/** MariaDB cannot copy a database: the statements of a dump create another. */
async function runDump(server: QueryRunner, database: string): Promise<void> {
  const [{ version = '' } = {}]: { version?: string }[] = await server.query('SELECT version() AS version');
  const dump = await findFile(`migrated-${version}.json`, dumpMigrated);
  const statements: string[] = JSON.parse(readFileSync(dump, 'utf8'));
  for (const statement of [`CREATE DATABASE ${NAME}`, `USE ${NAME}`, ...statements])
    await server.query(statement.replaceAll(NAME, database));
}

async function dumpMigrated(path: string): Promise<void> {
  const database = await createDatabase('mariadb');
  await migrate(database, async (dataSource) => {
    const name = String(dataSource.driver.database);
    // Views come after the tables that they read.
    const found: { table: string }[] = await dataSource.query(
      'SELECT table_name AS `table` FROM information_schema.tables WHERE table_schema = ? ORDER BY table_type, table_name',
      [name],
    );
    const statements: string[] = [];
    for (const { table } of found) {
      const [created = {}]: Record<string, string>[] = await dataSource.query(`SHOW CREATE TABLE ${table}`);
      const statement = created['Create Table'];
      statements.push(statement ?? created['Create View'] ?? '');
      if (!statement) continue;
      const rows: Record<string, string>[] = await dataSource.query(`SELECT * FROM ${table}`);
      for (const row of rows) statements.push(format('INSERT INTO ?? SET ?', [table, row]));
    }
    writeFileSync(path, JSON.stringify(statements).replaceAll(name, NAME));
  });
  await database.drop();
}

async function migrate(
  { options }: TestDatabase,
  use?: (dataSource: DataSource) => Promise<void>,
): Promise<void> {
  const all = { ...options, entities: djaffarEntities, migrations: djaffarMigrations };
  const dataSource = await new DataSource(all).initialize();
  try {
    await dataSource.runMigrations();
    await use?.(dataSource);
  } finally {
    await dataSource.destroy();
  }
}

async function onServer(name: ServerName, work: (server: QueryRunner) => Promise<void>): Promise<void> {
  const dataSource = await new DataSource(databaseOptions(SERVERS[name])).initialize();
  try {
    await work(dataSource.createQueryRunner());
  } finally {
    await dataSource.destroy();
  }
}

/** All rows of all tables of Djaffar as JSON. */
export async function dumpOf(dataSource: DataSource): Promise<string> {
  const lines: string[] = [];
  for (const { tablePath } of dataSource.entityMetadatas.filter(({ tableName }) =>
    tableName.startsWith('djaffar_'),
  ))
    for (const row of await dataSource.query<object[]>(`SELECT * FROM ${tablePath}`))
      lines.push(`${tablePath} ${JSON.stringify(row)}`);
  return lines.join('\n');
}
