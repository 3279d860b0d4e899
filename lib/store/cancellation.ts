import { AsyncLocalStorage } from 'node:async_hooks';
import { UnavailableError } from './unavailable.error.js';

/** Nobody waits for the answer any more. */
export class AbandonedError extends UnavailableError {
  constructor() {
    super('nobody waits for the answer any more');
    this.name = 'AbandonedError';
  }
}

const signals = new AsyncLocalStorage<AbortSignal>();

/** Does the work so that the questions in it are given up when the signal aborts. */
export function cancelledBy<T>(signal: AbortSignal, work: () => T): T {
  return signals.run(signal, work);
}

/** What aborts when nobody waits for the work any more that this is called in; `undefined` if it always has to be done. */
export function cancellation(): AbortSignal | undefined {
  return signals.getStore();
}

/**
 * Calls back when the signal aborts, also if it has before.
 * @returns what ends that
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal?.aborted) callback();
  else signal?.addEventListener('abort', callback, { once: true });
  return () => signal?.removeEventListener('abort', callback);
}
