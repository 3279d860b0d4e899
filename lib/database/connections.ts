import { EventEmitter } from 'node:events';
import { type DataSource, type QueryRunner, QueryRunnerAlreadyReleasedError } from 'typeorm';
import { IncidentLog } from '../diagnostics/incident-log.js';
import { BOUNDS, SILENCE } from './time-limits.js';
import { AbandonedError, cancellation, onAbort } from '../store/cancellation.js';
import { connect, driverOf, failureOf } from './driver.js';
import { ReaderLostError } from './reader/reader-process.js';
import { Readers } from './reader/readers.js';
import { Slots } from './slots.js';
import { refusal } from './refusal.js';
import { LateError, NARROW, TooSlowError } from '../store/too-slow.error.js';
import { UnavailableError } from '../store/unavailable.error.js';
import { monotonicClock } from '../time/clock.js';
import type { QuestionLimits } from '../options/store.options.js';

/** A connection of the host's pool, for as long as it is lent. */
export interface LentConnection {
  dataSource: DataSource;
  runner: QueryRunner;
  /** The driver's own. */
  raw: unknown;
  /** Ends it at once, whatever it is doing: what it is asked fails. */
  destroy: () => void;
}

/** What all modules of the process together take of a data source. */
export interface ConnectionLimits extends QuestionLimits {
  /** How many transactions write at once; each takes one connection. */
  writers: number;
}

/** What the log of incidents says if a question fails. */
export const UNREADABLE = 'activities cannot be read';
const TOO_SLOW = 'a question took too long';
/** Milliseconds that the server has for ending a statement by itself. */
const GRACE = 500;

/**
 * What Djaffar takes of the host's connections. It takes a bounded number of them, and gives back what it gives up: a
 * connection whose statement is given up is destroyed, and its place counts as taken until then.
 */
export class Connections {
  readonly incidents = new IncidentLog();
  /** Each writer takes one before it takes a connection. */
  readonly writers = new Slots(Number.POSITIVE_INFINITY);
  /** The update of the statistics. */
  readonly updates = new Slots(1);
  private readonly questions = new Slots(4);
  private isLimited = false;
  /** Milliseconds for a question, and for one statement. The commands of the command line have as long as they need. */
  private timeout = Number.POSITIVE_INFINITY;
  private silence = Number.POSITIVE_INFINITY;
  /** Of one statement of a question. */
  private statementTimeout = Number.POSITIVE_INFINITY;
  /** What gives up each question that is under way. */
  private readonly open = new Map<AbortSignal, AbortController>();
  /** Each destroys a connection that is lent. */
  private readonly lent = new Set<() => void>();
  private readonly readers: Readers | undefined;
  /** Why everything was given up, once it was. */
  private shutdown: UnavailableError | undefined;

  /** Milliseconds after which the server ends a statement of a transaction; 0 for no bound. */
  statementBound = 0;

  constructor(private readonly dataSource: DataSource) {
    const openable = driverOf(dataSource)?.openable;
    this.readers = openable && new Readers(dataSource, openable, this.incidents);
  }

  /** If several modules share the data source, they share the limits: of each the largest. */
  limit({ writers, concurrency, timeout, statementTimeout }: ConnectionLimits): void {
    const isFirst = !this.isLimited;
    this.isLimited = true;
    this.writers.size = isFirst ? writers : Math.max(this.writers.size, writers);
    this.questions.size = isFirst ? concurrency : Math.max(this.questions.size, concurrency);
    this.timeout = isFirst ? timeout : Math.max(this.timeout, timeout);
    this.statementTimeout = isFirst ? statementTimeout : Math.max(this.statementTimeout, statementTimeout);
    this.silence = SILENCE;
    if (this.readers) this.readers.isSilent = false;
    this.statementBound = BOUNDS.statement;
  }

  /** Milliseconds after which the server ends a statement that reads; 0 for no bound. */
  get readingBound(): number {
    return Number.isFinite(this.statementTimeout) ? this.statementTimeout : 0;
  }

  /**
   * Lends a connection until the work is done.
   * @param signal if it aborts, the connection is destroyed, so that whatever the work waits for fails, and the server stops
   * working on it
   * @param silence milliseconds that one statement may take
   */
  async use<T>(
    work: (connection: LentConnection) => Promise<T>,
    signal?: AbortSignal,
    silence = this.silence,
  ): Promise<T> {
    signal?.throwIfAborted();
    this.throwIfAborted();
    const { dataSource } = this;
    const runner = driverOf(dataSource)?.createRunner?.(dataSource) ?? dataSource.createQueryRunner('master');
    const raw = await connect(dataSource, runner);
    let destroyed: Promise<void> | undefined;
    const destroy = (): void => void (destroyed ??= driverOf(dataSource)?.destroy(raw));
    // A server that only loses the connection works on until it has an answer to send.
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
      // The server was demoted, or the network leads to another one now: the pool would lend it for ever.
      if (failureOf(dataSource, error)?.isReadOnly) destroy();
      // TypeORM says this of a connection that was lost before: why it was lost is the cause.
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
   * Lends a connection for reading until the work is done. If the database runs inside this process, it is one of another
   * process, so that the event loop goes on meanwhile.
   * @param work is done again if that process was lost
   * @param silence milliseconds that one statement may take
   */
  async read<T>(
    work: (connection: Pick<LentConnection, 'dataSource' | 'runner'>) => Promise<T>,
    signal?: AbortSignal,
    silence = this.silence,
  ): Promise<T> {
    for (let isAgain = false; ; isAgain = true) {
      const reader = await this.readers?.take(signal ?? NEVER);
      if (!reader) return this.use(work, signal, silence);
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

  /** Ends what was started for reading. */
  async close(): Promise<void> {
    await this.readers?.close();
  }

  /** By the monotonic clock, when a question that is asked now has to be answered. */
  deadline(): number {
    return monotonicClock.now() + this.timeout;
  }

  /**
   * Asks the database something, within the limits. It is given up when the {@link cancellation} aborts.
   * @param ask holds at most one connection at a time; it gives up when the signal aborts. It must not ask again: the
   * places may all be taken by others that do the same
   * @param limits a shorter time in milliseconds; a {@link deadline} if it is one of several asks of a question; what the
   * log says if it fails, `null` for nothing; whose places it takes
   * @throws UnavailableError if the database does not answer, or not in time
   * @throws TooSlowError if it works on one statement for too long
   */
  async ask<T>(
    ask: (signal: AbortSignal) => Promise<T>,
    limits: { timeout?: number; deadline?: number; subject?: string | null; slots?: Slots } = {},
  ): Promise<T> {
    const { subject = UNREADABLE, slots = this.questions, deadline = Number.POSITIVE_INFINITY } = limits;
    const timeout = Math.min(limits.timeout ?? this.timeout, this.timeout);
    const left = Math.min(timeout, deadline - monotonicClock.now());
    const controller = new AbortController();
    const { signal } = controller;
    this.open.set(signal, controller);
    const stop = onAbort(cancellation(), () => controller.abort(new AbandonedError()));
    let isAsked = false;
    const timer = Number.isFinite(left)
      ? setTimeout(() => controller.abort(this.lateError(isAsked, timeout)), left)
      : undefined;
    try {
      const release = await slots.take(signal);
      isAsked = true;
      const answer = await untilAborted(releasing(ask, signal, release), signal);
      if (subject) this.incidents.worked(subject);
      return answer;
    } catch (error) {
      throw this.explained(error, subject);
    } finally {
      stop();
      clearTimeout(timer);
      this.open.delete(signal);
    }
  }

  /** @throws UnavailableError once everything was given up */
  throwIfAborted(): void {
    if (this.shutdown) throw this.shutdown;
  }

  /** Gives up whatever is under way. */
  abort(): void {
    this.shutdown = new UnavailableError('the application is shutting down');
    for (const controller of this.open.values()) controller.abort(this.shutdown);
    for (const destroy of this.lent) destroy();
    driverOf(this.dataSource)?.destroyConnecting(this.dataSource);
  }

  private lateError(isAsked: boolean, timeout: number): UnavailableError {
    const reason = `the database did not answer within ${timeout} ms`;
    if (timeout < this.timeout) return new LateError(reason);
    const others = `${this.questions.size} other questions were before this one (statistics.concurrency)`;
    return new LateError(`${reason} (statistics.timeout): ${isAsked ? NARROW : others}`);
  }

  /** Gives up a connection if one statement takes too long: the question is too large, or the network is silent. */
  private watch(
    runner: QueryRunner,
    silence: number,
    signal: AbortSignal | undefined,
    giveUp: () => void,
  ): void {
    const question = signal && this.open.get(signal);
    // The server is the first to end a statement, if it can.
    if (question)
      watch(runner, this.statementTimeout + GRACE, () =>
        question.abort(new TooSlowError(this.statementTimeout)),
      );
    else watch(runner, silence, giveUp);
  }

  private explained(error: unknown, subject: string | null): unknown {
    if (error instanceof AbandonedError) return error;
    const failure = failureOf(this.dataSource, error);
    if (!failure || failure.kind === 'data') return error;
    if (failure.isTooSlow) {
      if (subject) this.incidents.failed(TOO_SLOW, failure, 'warn');
      return error instanceof TooSlowError
        ? error
        : new TooSlowError(this.statementTimeout, { cause: error });
    }
    if (subject && error !== this.shutdown) this.incidents.failed(subject, failure, 'warn');
    return error instanceof UnavailableError ? error : refusal(failure, failure.reason, error);
  }
}

const NEVER = new AbortController().signal;

const known = new WeakMap<DataSource, Connections>();

/** One for each data source, however many modules use it. */
export function connectionsOf(dataSource: DataSource): Connections {
  const found = known.get(dataSource) ?? new Connections(dataSource);
  known.set(dataSource, found);
  return found;
}

/** Releases also if `ask` throws before it returns a promise. */
async function releasing<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  signal: AbortSignal,
  release: () => void,
): Promise<T> {
  try {
    return await ask(signal);
  } finally {
    release();
  }
}

/** Rejects at once when the signal aborts, though the work may take longer to notice. */
function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = onAbort(signal, () => reject(signal.reason));
    void work.then(resolve, reject).finally(stop);
  });
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
