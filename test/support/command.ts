import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { compiled } from './compiled.js';
import type { TestDatabase } from './databases.js';

export { createMigratedDatabase as emptyDatabase } from './databases.js';

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

/** How to start it without compiling it first: slower, because each start compiles all sources. */
export const FROM_SOURCE = ['--import', '@swc-node/register/esm-register', 'lib/cli/main.mts'];

/** Starts the command in a process of its own, as users do. */
export function start(
  database: TestDatabase,
  args: string[],
  dataSource = compiled('ormconfig'),
  command = [compiled('command')],
): ChildProcessWithoutNullStreams {
  return spawn(process.execPath, [...command, '-d', dataSource, ...args], {
    env: { ...process.env, DATABASE_URL: database.url },
  });
}

/** Runs the command to its end. */
export async function run(
  database: TestDatabase,
  args: string[],
  {
    input = '',
    dataSource,
    command,
  }: { input?: string | Buffer; dataSource?: string; command?: string[] } = {},
): Promise<Ran> {
  const child = start(database, args, dataSource, command);
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr };
}

/** Returns the standard output of a command that succeeds and writes nothing else. */
export async function output(database: TestDatabase, args: string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await run(database, args, { input });
  if (code !== 0 || stderr !== '') throw new Error(`it ended with ${code}: ${stderr}`);
  return stdout;
}
