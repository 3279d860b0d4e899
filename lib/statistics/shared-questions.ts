import { setImmediate } from 'node:timers/promises';
import { AbandonedError, cancellation, cancelledBy, onAbort } from '../store/cancellation.js';
import { LateError } from '../store/unavailable.error.js';

/** One answer for all callers that asked the same question before its computation started. */
class Round<T> {
  private readonly controller = new AbortController();
  private waiting = 0;
  private hasBegun = false;
  readonly answer: Promise<T>;

  /** @param previous must end before this one begins; if it timed out, this one fails with the same error */
  constructor(ask: () => Promise<T>, previous: Promise<T> | undefined) {
    this.answer = this.run(ask, previous);
    // Callers that still wait get the error.
    this.answer.catch(() => {});
  }

  /** Whether others may still join, because the query has not started. */
  get isOpen(): boolean {
    return !this.hasBegun && !this.controller.signal.aborted;
  }

  /** Rejects when the caller's {@link cancellation} aborts. If that was the last caller, the query is cancelled. */
  async join(): Promise<T> {
    this.waiting += 1;
    const isFirst = this.waiting === 1;
    let stop: (() => void) | undefined;
    const abandoned = new Promise<never>((_, reject) => {
      stop = onAbort(cancellation(), () => reject(new AbandonedError()));
    });
    try {
      const answer = await Promise.race([this.answer, abandoned]);
      // Each caller gets a copy, because callers may change the result.
      return isFirst ? answer : structuredClone(answer);
    } finally {
      stop?.();
      this.waiting -= 1;
      if (this.waiting === 0) this.controller.abort(new AbandonedError());
    }
  }

  private async run(ask: () => Promise<T>, previous: Promise<T> | undefined): Promise<T> {
    const { signal } = this.controller;
    await previous?.catch((error: unknown) => {
      // After a time-out, it does not wait as long again. After any other failure, another attempt may succeed.
      if (error instanceof LateError) throw error;
    });
    // Requests that are read in the same turn of the event loop can join this one.
    await setImmediate();
    signal.throwIfAborted();
    this.hasBegun = true;
    return cancelledBy(signal, ask);
  }
}

/**
 * Runs equal questions at the same moment once, and never in parallel. A caller that arrives while one is running waits for
 * the next run, because the current one may not see the latest commits.
 */
export class SharedQuestions<T> {
  /** The latest round of each question. */
  private readonly rounds = new Map<string, Round<T>>();

  /** @param key the same for equal questions */
  ask(key: string, ask: () => Promise<T>): Promise<T> {
    const latest = this.rounds.get(key);
    if (latest?.isOpen) return latest.join();
    const round = new Round(ask, latest?.answer);
    this.rounds.set(key, round);
    const forget = (): void => {
      if (this.rounds.get(key) === round) this.rounds.delete(key);
    };
    round.answer.then(forget, forget);
    return round.join();
  }
}

/** Returns the same key for equal arguments, with properties in any order. */
export function buildKey(asked: unknown[]): string {
  return JSON.stringify(asked, (_, value: unknown) => {
    if (typeof value === 'bigint') return String(value);
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}
