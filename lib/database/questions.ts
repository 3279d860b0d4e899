import type { DataSource } from 'typeorm';
import type { IncidentLog } from '../diagnostics/incident-log.js';
import { AbandonedError, cancellation, onAbort } from '../store/cancellation.js';
import { LateError, NARROW, TooSlowError, UnavailableError } from '../store/unavailable.error.js';
import { monotonicClock } from '../time/clock.js';
import { classifyFailure } from './driver.js';
import { refusal } from './unavailable.js';
import { Slots } from './slots.js';

/** The symptom of a failed question in the log. */
export const UNREADABLE = 'activities cannot be read';
const TOO_SLOW = 'a question took too long';

/** Limits of one question. */
export interface AskOptions {
  /** Milliseconds, if less than for every question. */
  timeout?: number | undefined;
  /** The {@link Questions.deadline} of a question that asks several times. */
  deadline?: number;
  /** The symptom in the log if it fails; `null` logs nothing. */
  symptom?: string | null;
  /** The slots it takes one of. */
  slots?: Slots;
}

/** Limits how many questions run at once, and how long each may take. A command of the command line has no time limit. */
export class Questions {
  readonly slots = new Slots(4);
  /** Milliseconds for a question. */
  timeout = Number.POSITIVE_INFINITY;
  /** Milliseconds for one statement of a question. */
  statementTimeout = Number.POSITIVE_INFINITY;
  private readonly running = new Map<AbortSignal, AbortController>();
  private shutdown: UnavailableError | undefined;

  constructor(
    private readonly dataSource: DataSource,
    private readonly incidents: IncidentLog,
  ) {}

  /** Returns the end, by the monotonic clock, of the time for a question that begins now. */
  deadline(): number {
    return monotonicClock.now() + this.timeout;
  }

  /**
   * Asks the database within the limits. The question is cancelled when the {@link cancellation} aborts.
   * @param ask holds at most one connection at a time; it stops when the signal aborts. It must not ask again: all slots may
   * be taken by others that do the same
   * @throws UnavailableError if the database does not answer, or not in time
   * @throws TooSlowError if it works on one statement for too long
   */
  async ask<T>(ask: (signal: AbortSignal) => Promise<T>, options: AskOptions = {}): Promise<T> {
    const { symptom = UNREADABLE, slots = this.slots, deadline = Number.POSITIVE_INFINITY } = options;
    const timeout = Math.min(options.timeout ?? this.timeout, this.timeout);
    const left = Math.min(timeout, deadline - monotonicClock.now());
    const controller = new AbortController();
    const { signal } = controller;
    this.running.set(signal, controller);
    const stop = onAbort(cancellation(), () => controller.abort(new AbandonedError()));
    let isAsked = false;
    const timer = Number.isFinite(left)
      ? setTimeout(() => controller.abort(this.lateError(isAsked, timeout)), left)
      : undefined;
    try {
      const release = await slots.take(signal);
      isAsked = true;
      const answer = await untilAborted(releasing(ask, signal, release), signal);
      if (symptom) this.incidents.worked(symptom);
      return answer;
    } catch (error) {
      throw this.explained(error, symptom);
    } finally {
      stop();
      clearTimeout(timer);
      this.running.delete(signal);
    }
  }

  /** Returns a function that cancels the question of the signal as too slow; `undefined` if no question has this signal. */
  cancelSlow(signal: AbortSignal | undefined): (() => void) | undefined {
    const controller = signal && this.running.get(signal);
    return controller && (() => controller.abort(new TooSlowError(this.statementTimeout)));
  }

  /** Cancels all questions. */
  abort(reason: UnavailableError): void {
    this.shutdown = reason;
    for (const controller of this.running.values()) controller.abort(reason);
  }

  private lateError(isAsked: boolean, timeout: number): UnavailableError {
    const reason = `the database did not answer within ${timeout} ms`;
    if (timeout < this.timeout) return new LateError(reason);
    const others = `${this.slots.size} other questions are running (statistics.concurrency)`;
    return new LateError(`${reason} (statistics.timeout): ${isAsked ? NARROW : others}`);
  }

  private explained(error: unknown, symptom: string | null): unknown {
    if (error instanceof AbandonedError) return error;
    const failure = classifyFailure(this.dataSource, error);
    if (!failure || failure.kind === 'data') return error;
    if (failure.isTooSlow) {
      if (symptom) this.incidents.failed(TOO_SLOW, failure, 'warn');
      return error instanceof TooSlowError
        ? error
        : new TooSlowError(this.statementTimeout, { cause: error });
    }
    if (symptom && error !== this.shutdown) this.incidents.failed(symptom, failure, 'warn');
    return error instanceof UnavailableError ? error : refusal(failure, failure.reason, error);
  }
}

/** Releases the slot also if `ask` throws before it returns a promise. */
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
