import { randomBytes } from 'node:crypto';
import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { djaffarEntities, djaffarMigrations } from '../../lib/index.js';
import { databaseOptions } from '../../sample/database.js';
import { cacheFolder } from './compiled.js';

/** The servers on which tests create databases, as the global setup found them. */
const SERVERS = {
  postgres: process.env.TEST_POSTGRES_URL ?? '',
  mariadb: process.env.TEST_MARIADB_URL ?? '',
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
  const database = `djaffar_test_${randomBytes(6).toString('hex')}`;
  await onServer(name, `CREATE DATABASE ${database}`);
  const url = new URL(SERVERS[name]);
  url.pathname = database;
  return {
    url: url.href,
    options: databaseOptions(url.href),
    drop: () => onServer(name, `DROP DATABASE ${database}${name === 'postgres' ? ' WITH (FORCE)' : ''}`),
  };
}

/** Creates a database with empty tables. */
export async function createMigratedDatabase(name: DatabaseName): Promise<TestDatabase> {
  const template = join(cacheFolder(), 'migrated.sqlite');
  if (name === 'sqlite' && existsSync(template)) return createFile(template);
  const database = await createDatabase(name);
  if (name !== 'sqlite') await migrate(database);
  else {
    const copy = join(cacheFolder(), `${randomBytes(6).toString('hex')}.sqlite`);
    await migrate(database, `VACUUM INTO '${copy}'`);
    // Atomic, so that no other test copies half of it.
    renameSync(copy, template);
  }
  return database;
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

async function migrate({ options }: TestDatabase, afterwards?: string): Promise<void> {
  const all = { ...options, entities: djaffarEntities, migrations: djaffarMigrations };
  const dataSource = await new DataSource(all).initialize();
  await dataSource.runMigrations();
  if (afterwards) await dataSource.query(afterwards);
  await dataSource.destroy();
}

async function onServer(name: ServerName, sql: string): Promise<void> {
  const server = new DataSource(databaseOptions(SERVERS[name]));
  await server.initialize();
  try {
    await server.query(sql);
  } finally {
    await server.destroy();
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
