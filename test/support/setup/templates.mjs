import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DataSource } from 'typeorm';
import pg from 'pg';

/**
 * Migrates one database of each kind, for tests to copy.
 * MariaDB cannot copy a database: running the migrations again takes no longer than any other way.
 * @param build the folder of the bundle
 * @returns the path of the SQLite file and the name of the PostgreSQL database
 */
export async function createTemplates(build, found) {
  const { djaffarEntities, djaffarMigrations } = await import(pathToFileURL(join(build, 'library.js')).href);
  const { databaseOptions } = await import(pathToFileURL(join(build, 'database.js')).href);

  async function migrate(url, afterwards = []) {
    const options = { ...databaseOptions(url), entities: djaffarEntities, migrations: djaffarMigrations };
    const dataSource = await new DataSource(options).initialize();
    await dataSource.runMigrations();
    for (const statement of afterwards) await dataSource.query(statement);
    await dataSource.destroy();
  }

  const folder = await mkdtemp(join(tmpdir(), 'djaffar-template-'));
  const sqlite = join(folder, 'template.sqlite');
  // A copy in one file: a part of the migrated one may still be in its write-ahead log.
  await migrate(`sqlite:${join(folder, 'migrated.sqlite')}`, [`VACUUM INTO '${sqlite}'`]);
  if (!found.includes('postgres')) return { sqlite };

  const postgres = `djaffar_test_${randomBytes(6).toString('hex')}`;
  await onPostgres(`CREATE DATABASE ${postgres}`);
  const url = new URL(process.env.TEST_POSTGRES_URL);
  url.pathname = postgres;
  await migrate(url.href);
  return { sqlite, postgres };
}

export async function dropTemplates({ sqlite, postgres }) {
  if (sqlite) await rm(dirname(sqlite), { recursive: true, force: true });
  if (postgres) await onPostgres(`DROP DATABASE IF EXISTS ${postgres} WITH (FORCE)`);
}

async function onPostgres(sql) {
  const client = new pg.Client(process.env.TEST_POSTGRES_URL);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}
