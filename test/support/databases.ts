import './servers.mjs';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DataSource, type DataSourceOptions } from 'typeorm';
import { databaseOptions } from '../../sample/database.js';

/** The servers that the tests make databases of their own on; the global setup has found them. */
const SERVERS = {
  postgres: process.env.TEST_POSTGRES_URL ?? '',
  mariadb: process.env.TEST_MARIADB_URL ?? '',
} as const;

export type DatabaseName = 'sqlite' | keyof typeof SERVERS;

export const FOUND = (process.env.DJAFFAR_TEST_DATABASES ?? 'sqlite').split(',') as DatabaseName[];

/** A new, empty database, as the `DATABASE_URL` of the sample host and as TypeORM's options. */
export interface TestDatabase {
  url: string;
  options: DataSourceOptions;
  drop(): Promise<void>;
}

export async function createDatabase(name: DatabaseName): Promise<TestDatabase> {
  if (name === 'sqlite') {
    const folder = mkdtempSync(join(tmpdir(), 'djaffar-'));
    const url = `sqlite:${join(folder, 'test.sqlite')}`;
    return {
      url,
      options: databaseOptions(url),
      drop: async () => rmSync(folder, { recursive: true, force: true }),
    };
  }
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

async function onServer(name: keyof typeof SERVERS, sql: string): Promise<void> {
  const server = new DataSource(databaseOptions(SERVERS[name]));
  await server.initialize();
  try {
    await server.query(sql);
  } finally {
    await server.destroy();
  }
}
