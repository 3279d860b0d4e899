import { type ChildProcess, spawn } from 'node:child_process';
import { READER_PROGRAM } from './program.js';

/** How to open the database file a second time. */
export interface ReaderOptions {
  /** File name of the driver's module. */
  module: string;
  /** Absolute path of the database. */
  file: string;
  nativeBinding?: string | undefined;
  /** The key of an encrypted database. */
  key?: string | undefined;
  /** Such as `query_only = ON`. */
  pragmas: string[];
}

/** The process ended unexpectedly. */
export class ReaderLostError extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(`the process that reads the database has ended: ${reason}`, options);
    this.name = 'ReaderLostError';
  }
}

/** An error of the driver in the other process. */
class ReaderError extends Error {
  constructor(
    reason: string,
    readonly code: string | undefined,
  ) {
    super(reason);
    this.name = 'SqliteError';
  }
}

type Row = Record<string, unknown>;

interface Message {
  id: number;
  columns?: string[];
  rows?: unknown[][];
  isDone?: true;
  error?: { reason: string; code?: string };
}

interface Asked {
  rows: Row[];
  resolve(rows: Row[]): void;
  reject(error: Error): void;
}

/** Milliseconds that a process has to end by itself before it is killed. */
const END_TIMEOUT = 500;

/**
 * A connection to the database file in a separate process, because a statement of SQLite cannot be cancelled within a process:
 * better-sqlite3 cannot interrupt one, and libsql aborts the process if a worker thread ends during one. A process can be killed
 * at any moment, and a reader of the write-ahead log leaves nothing behind.
 *
 * It ends with this process, and keeps it alive only during a query.
 */
export class ReaderProcess {
  /** Rejects if the database cannot be opened. */
  readonly opened: Promise<unknown>;
  private readonly child: ChildProcess;
  private readonly asked = new Map<number, Asked>();
  private readonly exited: Promise<void>;
  private lastId = 0;
  private ended: Error | undefined;

  /** @throws Error if no process can be started */
  constructor(options: ReaderOptions) {
    // Without the host's loaders and inspectors, except Yarn's Plug'n'Play.
    const { NODE_OPTIONS, ...environment } = process.env;
    this.child = spawn(process.execPath, ['-e', READER_PROGRAM], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      serialization: 'advanced',
      windowsHide: true,
      env: process.versions.pnp ? { ...environment, NODE_OPTIONS } : environment,
    });
    this.exited = new Promise((resolve) => {
      this.child.once('error', (error) => {
        this.lose(new ReaderLostError(error.message, { cause: error }));
        resolve();
      });
      this.child.once('exit', (code, signal) => {
        this.lose(new ReaderLostError(signal ?? `exit code ${code}`));
        resolve();
      });
    });
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the program sends nothing else
    this.child.on('message', (message) => this.take(message as Message));
    this.opened = this.ask({ open: options });
    // The first query reports the error.
    this.opened.catch(() => {});
  }

  get isEnded(): boolean {
    return this.ended !== undefined;
  }

  /** @throws the driver's error, {@link ReaderLostError}, or the argument of {@link kill} */
  query(sql: string, parameters: unknown[]): Promise<Row[]> {
    return this.ask({ sql, parameters });
  }

  /** Kills the process at once. */
  kill(reason: Error): void {
    this.lose(reason);
    this.child.kill('SIGKILL');
  }

  /** Resolves when the process has closed the database and ended. */
  async end(): Promise<void> {
    this.lose(new ReaderLostError('it is not needed any more'));
    if (this.child.connected) this.child.disconnect();
    const timer = setTimeout(() => this.child.kill('SIGKILL'), END_TIMEOUT);
    await this.exited;
    clearTimeout(timer);
  }

  private ask(message: object): Promise<Row[]> {
    if (this.ended) return Promise.reject(this.ended);
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.asked.set(id, { rows: [], resolve, reject });
      this.hold();
      this.child.send({ ...message, id }, (error) => {
        if (error) this.lose(new ReaderLostError(error.message, { cause: error }));
      });
    });
  }

  private take({ id, columns = [], rows = [], isDone, error }: Message): void {
    const asked = this.asked.get(id);
    if (!asked) return;
    for (const row of rows) asked.rows.push(toRow(columns, row));
    if (!isDone && !error) return;
    this.asked.delete(id);
    this.hold();
    if (error) asked.reject(new ReaderError(error.reason, error.code));
    else asked.resolve(asked.rows);
  }

  private lose(reason: Error): void {
    this.ended ??= reason;
    for (const asked of this.asked.values()) asked.reject(this.ended);
    this.asked.clear();
    this.hold();
  }

  /** Keeps this process alive only while a query waits for the other. */
  private hold(): void {
    const isNeeded = this.asked.size > 0;
    this.child[isNeeded ? 'ref' : 'unref']();
    this.child.channel?.[isNeeded ? 'ref' : 'unref']();
  }
}

function toRow(columns: string[], values: unknown[]): Row {
  const row: Row = {};
  for (let i = 0; i < columns.length; i += 1) row[columns[i] ?? ''] = values[i];
  return row;
}
