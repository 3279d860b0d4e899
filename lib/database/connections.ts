import { EventEmitter } from 'node:events';
import { type DataSource, type QueryRunner, QueryRunnerAlreadyReleasedError } from 'typeorm';
import { IncidentLog } from '../diagnostics/incident-log.js';
import type { QuestionLimits } from '../options/store.options.js';
import { UnavailableError } from '../store/unavailable.error.js';
import { connect, driverOf, classifyFailure } from './driver.js';
import { type AskOptions, Questions } from './questions.js';
import { ReaderLostError } from './reader/reader-process.js';
import { Readers } from './reader/readers.js';
import { Slots } from './slots.js';
import { BOUNDS, SILENCE } from './time-limits.js';

/** A connection of the host's pool, for as long as it is lent. */
export interface LentConnection {
  dataSource: DataSource;
  runner: QueryRunner;
  /** The driver's connection. */
  raw: unknown;
  /** Ends it at once, whatever it is doing: a running statement fails. */
  destroy: () => void;
}

interface UseOptions {
  /** Milliseconds that one statement may take. */
  silence?: number | undefined;
  /** Lends a connection of its pool, instead of the primary's. */
  standby?: { createRunner: () => QueryRunner } | undefined;
}

/** Limits for a data source; all modules of the process share them. */
export interface ConnectionLimits extends QuestionLimits {
  /** How many transactions write at once; each takes one connection. */
  writers: number;
}

/** Milliseconds in which the server may end a slow statement by itself. */
const GRACE = 500;

/**
 * Lends connections of the host's pool: a bounded number of them. A connection whose statement is cancelled is destroyed,
 * and its place counts as taken until then.
 */
export class Connections {
  readonly incidents = new IncidentLog();
  /** Each writer takes one before it takes a connection. */
  readonly writers = new Slots(Number.POSITIVE_INFINITY);
  /** The update of the statistics. */
  readonly updates = new Slots(1);
  /** Milliseconds after which the server ends a statement of a transaction; 0 for no bound. */
  statementBound = 0;
  private readonly questions: Questions;
  private isLimited = false;
  /** Milliseconds that one statement may take. */
  private silence = Number.POSITIVE_INFINITY;
  /** Functions that each destroy a lent connection. */
  private readonly lent = new Set<() => void>();
  private readonly readers: Readers | undefined;
  private shutdown: UnavailableError | undefined;

  constructor(private readonly dataSource: DataSource) {
    this.questions = new Questions(dataSource, this.incidents);
    const openable = driverOf(dataSource)?.openable;
    this.readers = openable && new Readers(dataSource, openable, this.incidents);
  }

  /** If several modules share the data source, the largest of each limit applies. */
  limit({ writers, concurrency, timeout, statementTimeout }: ConnectionLimits): void {
    const { questions } = this;
    const larger = (now: number, given: number): number => (this.isLimited ? Math.max(now, given) : given);
    this.writers.size = larger(this.writers.size, writers);
    questions.slots.size = larger(questions.slots.size, concurrency);
    questions.timeout = larger(questions.timeout, timeout);
    questions.statementTimeout = larger(questions.statementTimeout, statementTimeout);
    this.isLimited = true;
    this.silence = SILENCE;
    if (this.readers) this.readers.isSilent = false;
    this.statementBound = BOUNDS.statement;
  }

  /** Milliseconds after which the server ends a statement that reads; 0 for no bound. */
  get readingBound(): number {
    const { statementTimeout } = this.questions;
    return Number.isFinite(statementTimeout) ? statementTimeout : 0;
  }

  /** See {@link Questions.deadline}. */
  deadline(): number {
    return this.questions.deadline();
  }

  /** See {@link Questions.ask}. */
  ask<T>(ask: (signal: AbortSignal) => Promise<T>, options?: AskOptions): Promise<T> {
    return this.questions.ask(ask, options);
  }

  /**
   * Lends a connection until the work is done.
   * @param signal if it aborts, the connection is destroyed, so that the running statement fails, and the server stops it
   */
  async use<T>(
    work: (connection: LentConnection) => Promise<T>,
    signal?: AbortSignal,
    { silence = this.silence, standby }: UseOptions = {},
  ): Promise<T> {
    signal?.throwIfAborted();
    this.throwIfAborted();
    const { dataSource } = this;
    const runner =
      standby?.createRunner() ??
      driverOf(dataSource)?.createRunner?.(dataSource) ??
      dataSource.createQueryRunner('master');
    const raw = await connect(dataSource, runner);
    let destroyed: Promise<void> | undefined;
    const destroy = (): void => void (destroyed ??= driverOf(dataSource)?.destroy(raw));
    // Without a cancellation, the server would continue until it has an answer to send.
    const giveUp = (): void => {
      driverOf(dataSource)?.cancel?.(dataSource, raw);
      destroy();
    };
    this.lent.add(giveUp);
    if (driverOf(dataSource)?.isRemote) this.watch(runner, silence, signal, giveUp);
    let lost: Error | undefined;
    const onError = (error: Error): void => void (lost = error);
    if (raw instanceof EventEmitter) raw.on('error', onError);
    signal?.addEventListener('abort', giveUp, { once: true });
    try {
      signal?.throwIfAborted();
      return await work({ dataSource, runner, raw, destroy });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (this.shutdown && destroyed) throw this.shutdown;
      // The server became a replica, or the network leads to another server. The pool would lend this connection forever.
      if (classifyFailure(dataSource, error)?.isReadOnly) destroy();
      // TypeORM throws this if the connection was lost before; the reason of the loss is the cause.
      throw error instanceof QueryRunnerAlreadyReleasedError && lost ? lost : error;
    } finally {
      this.lent.delete(giveUp);
      signal?.removeEventListener('abort', giveUp);
      await destroyed;
      await runner.release();
      if (raw instanceof EventEmitter) raw.off('error', onError);
    }
  }

  /**
   * Lends a connection for reading until the work is done. If the database runs inside this process, another process reads, so
   * that the event loop is not blocked.
   * @param work repeated if that process was lost
   * @param silence milliseconds that one statement may take
   */
  async read<T>(
    work: (connection: Pick<LentConnection, 'dataSource' | 'runner'>) => Promise<T>,
    signal?: AbortSignal,
    silence = this.silence,
  ): Promise<T> {
    for (let isAgain = false; ; isAgain = true) {
      const reader = await this.readers?.take(signal ?? NEVER);
      if (!reader) return this.use(work, signal, { silence });
      const { dataSource } = this;
      const { runner } = reader;
      const destroy = (): void =>
        reader.destroy(
          signal?.aborted ? signal.reason : new UnavailableError('the database does not answer'),
        );
      this.lent.add(destroy);
      signal?.addEventListener('abort', destroy, { once: true });
      this.watch(runner, silence, signal, destroy);
      try {
        signal?.throwIfAborted();
        return await work({ dataSource, runner });
      } catch (error) {
        if (!(error instanceof ReaderLostError)) throw error;
        if (isAgain) throw new UnavailableError(error.message, { cause: error });
      } finally {
        this.lent.delete(destroy);
        signal?.removeEventListener('abort', destroy);
        reader.release();
      }
    }
  }

  /** Ends the processes that read. */
  async close(): Promise<void> {
    await this.readers?.close();
  }

  /** @throws UnavailableError after {@link abort} */
  throwIfAborted(): void {
    if (this.shutdown) throw this.shutdown;
  }

  /** Cancels all running work. */
  abort(): void {
    this.shutdown = new UnavailableError('the application is shutting down');
    this.questions.abort(this.shutdown);
    for (const destroy of this.lent) destroy();
    driverOf(this.dataSource)?.destroyConnecting(this.dataSource);
  }

  /** Cancels the query, or abandons the connection, if one statement takes too long. */
  private watch(
    runner: QueryRunner,
    silence: number,
    signal: AbortSignal | undefined,
    giveUp: () => void,
  ): void {
    const cancel = this.questions.cancelSlow(signal);
    // The server gets the chance to end the statement first.
    if (cancel) watch(runner, this.questions.statementTimeout + GRACE, cancel);
    else watch(runner, silence, giveUp);
  }
}

const NEVER = new AbortController().signal;

const known = new WeakMap<DataSource, Connections>();

/** Returns the connections of a data source, which all modules share. */
export function connectionsOf(dataSource: DataSource): Connections {
  const found = known.get(dataSource) ?? new Connections(dataSource);
  known.set(dataSource, found);
  return found;
}

/** Calls back if one statement takes too long. */
function watch(runner: QueryRunner, longest: number, giveUp: () => void): void {
  if (!Number.isFinite(longest)) return;
  const query = runner.query.bind(runner);
  Object.defineProperty(runner, 'query', {
    value: async (...given: Parameters<typeof query>) => {
      const timer = setTimeout(giveUp, longest);
      try {
        return await query(...given);
      } finally {
        clearTimeout(timer);
      }
    },
  });
}
