import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { runCommand } from '../../lib/cli/run-command.js';
import { defaultPage, djaffarEntities } from '../../lib/index.js';
import { compiled } from './compiled.js';
import type { TestDatabase } from './databases.js';
import { CapturedStream, replaceStream } from './streams.js';

export { createMigratedDatabase as emptyDatabase } from './databases.js';

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface Given {
  input?: string | Buffer;
}

interface GivenInProcess extends Given {
  /** Whether the standard streams pass for a terminal, on which the input is typed. */
  isTerminal?: boolean;
  /** SIGINT arrives when standard error has this text. */
  interruptAt?: string;
}

/** Arguments of Node with which it loads TypeScript. */
export const TYPESCRIPT_LOADER = ['--import', '@swc-node/register/esm-register'];

/**
 * Starts the command in a process of its own, as users do.
 * @param limits arguments of `ulimit`
 */
export function start(
  database: TestDatabase,
  args: string[],
  dataSource = compiled('ormconfig'),
  command = [compiled('command')],
  limits = '',
): ChildProcessWithoutNullStreams {
  const program = ['-c', `${limits && `ulimit ${limits} && `}exec "$0" "$@"`, process.execPath];
  return spawn('/bin/sh', [...program, ...command, '-d', dataSource, ...args], {
    env: { ...process.env, DATABASE_URL: database.url },
  });
}

/** Runs the command to its end in a process of its own. */
export async function runProcess(
  database: TestDatabase,
  args: string[],
  {
    input = '',
    dataSource,
    command,
    limits,
  }: Given & { dataSource?: string; command?: string[]; limits?: string } = {},
): Promise<Ran> {
  const child = start(database, args, dataSource, command, limits);
  child.stdin.end(input);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { code: child.exitCode, stdout, stderr };
}

/**
 * Runs the command to its end in the process of the test, with streams of its own: the start of a process is saved. Errors of Node's own
 * modules, such as `fetch` and `zlib`, are no `Error` of the tests: their messages are only seen by {@link runProcess}.
 */
export function run(database: TestDatabase, args: string[], given?: GivenInProcess): Promise<Ran> {
  return runWith(
    async () => ({
      dataSource: new DataSource({ ...database.options, entities: djaffarEntities }),
      page: defaultPage,
    }),
    args,
    given,
  );
}

/**
 * Runs the command with other files.
 * @param importModule returns what the file of a URL exports; that of `-d` is `data-source.js`
 */
export async function runWith(
  importModule: (url: string) => Promise<unknown>,
  args: string[],
  { input = '', isTerminal = false, interruptAt }: GivenInProcess = {},
): Promise<Ran> {
  const [stdout, stderr] = [new CapturedStream(isTerminal), new CapturedStream(isTerminal)];
  const stdin = Object.assign(Readable.from([Buffer.from(input)]), { isTTY: isTerminal });
  if (interruptAt) stderr.onText(interruptAt, () => process.emit('SIGINT', 'SIGINT'));
  const { console } = globalThis;
  const restore = [
    replaceStream('stdin', stdin),
    replaceStream('stdout', stdout),
    replaceStream('stderr', stderr),
  ];
  try {
    const code = await runCommand(['-d', 'data-source.js', ...args], importModule);
    return { code, stdout: stdout.text, stderr: stderr.text };
  } finally {
    for (const each of restore) each();
    globalThis.console = console;
    Logger.overrideLogger(false);
  }
}

/** Returns the standard output of a command that succeeds and writes nothing else. */
export async function output(database: TestDatabase, args: string[], input?: string): Promise<string> {
  const { code, stdout, stderr } = await run(database, args, { input });
  if (code !== 0 || stderr !== '') throw new Error(`it ended with ${code}: ${stderr}`);
  return stdout;
}
