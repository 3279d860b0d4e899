import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { DataSource } from 'typeorm';
import { djaffarEntities, djaffarMigrations } from '../../lib/index.js';
import { createDatabase, type DatabaseName, type TestDatabase } from './databases.js';

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** The real command, on a database of the tests. */
export function start(
  database: TestDatabase,
  args: string[],
  dataSource = 'ormconfig.ts',
): ChildProcessWithoutNullStreams {
  return spawn(
    process.execPath,
    ['--import', '@swc-node/register/esm-register', 'lib/cli/main.ts', '-d', dataSource, ...args],
    { env: { ...process.env, DATABASE_URL: database.url } },
  );
}

/** The same to its end. */
export async function run(
  database: TestDatabase,
  args: string[],
  { input = '', dataSource }: { input?: string | Buffer; dataSource?: string } = {},
): Promise<Ran> {
  const child = start(database, args, dataSource);
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr };
}

/** What it wrote to standard output, and nothing else. */
export async function output(database: TestDatabase, args: string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await run(database, args, { input });
  if (code !== 0 || stderr !== '') throw new Error(`it ended with ${code}: ${stderr}`);
  return stdout;
}

/** A new database whose tables are empty. */
export async function emptyDatabase(name: DatabaseName): Promise<TestDatabase> {
  const database = await createDatabase(name);
  const dataSource = new DataSource({
    ...database.options,
    entities: djaffarEntities,
    migrations: djaffarMigrations,
  });
  await dataSource.initialize();
  await dataSource.runMigrations();
  await dataSource.destroy();
  return database;
}
