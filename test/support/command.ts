import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { Readable, Writable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { Logger } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { runCommand } from '../../lib/cli/run-command.js';
import { defaultPage, djaffarEntities } from '../../lib/index.js';
import { compiled } from './compiled.js';
import type { TestDatabase } from './databases.js';

export { createMigratedDatabase as emptyDatabase } from './databases.js';

export interface Ran {
  code: number | null;
  stdout: string;
  stderr: string;
}

interface Given {
  input?: string | Buffer;
}

/** Arguments that start it without a bundle: slower, because each start compiles all sources. */
export const FROM_SOURCE = ['--import', '@swc-node/register/esm-register', 'lib/cli/main.mts'];

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

/** Runs the command to its end in the process of the test, with streams of its own: the start of a process is saved. */
export function run(database: TestDatabase, args: string[], given?: Given): Promise<Ran> {
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
  { input = '' }: Given = {},
): Promise<Ran> {
  const [stdout, stderr] = [new Kept(), new Kept()];
  const { console } = globalThis;
  const restore = [
    replaceStream('stdin', Readable.from([Buffer.from(input)])),
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
  return outputOf(await run(database, args, { input }));
}

/** Returns the standard output of a command in a process of its own. */
export async function outputOfProcess(
  database: TestDatabase,
  args: string[],
  input?: string,
): Promise<string> {
  return outputOf(await runProcess(database, args, { input }));
}

function outputOf({ code, stdout, stderr }: Ran): string {
  if (code !== 0 || stderr !== '') throw new Error(`it ended with ${code}: ${stderr}`);
  return stdout;
}

/** Returns how to restore it. */
function replaceStream(name: 'stdin' | 'stdout' | 'stderr', value: Readable | Writable): () => void {
  const before = Object.getOwnPropertyDescriptor(process, name);
  if (!before) throw new Error(`process has no ${name} of its own`);
  Object.defineProperty(process, name, { value, configurable: true });
  return () => void Object.defineProperty(process, name, before);
}

/** Keeps what is written to it. */
class Kept extends Writable {
  private readonly chunks: Buffer[] = [];

  override _write(chunk: Buffer, _: BufferEncoding, done: () => void): void {
    // The writer reuses its buffer, so it must be copied.
    this.chunks.push(Buffer.from(chunk));
    done();
  }

  get text(): string {
    // Decodes like `text()`, without a byte order mark.
    return new TextDecoder().decode(Buffer.concat(this.chunks));
  }
}
