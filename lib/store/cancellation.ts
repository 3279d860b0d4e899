import { AsyncLocalStorage } from 'node:async_hooks';
import { UnavailableError } from './unavailable.error.js';

/** The caller no longer waits for the answer. */
export class AbandonedError extends UnavailableError {
  constructor() {
    super('the caller does not wait for the answer any more');
    this.name = 'AbandonedError';
  }
}

const signals = new AsyncLocalStorage<AbortSignal>();

/** Runs the work; its queries are cancelled when the signal aborts. */
export function cancelledBy<T>(signal: AbortSignal, work: () => T): T {
  return signals.run(signal, work);
}

/** Returns the signal that aborts if the caller of the current work no longer waits; `undefined` if the work must be done. */
export function cancellation(): AbortSignal | undefined {
  return signals.getStore();
}

/**
 * Calls back when the signal aborts, also if it has before.
 * @returns a function that ends it
 */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal?.aborted) callback();
  else signal?.addEventListener('abort', callback, { once: true });
  return () => signal?.removeEventListener('abort', callback);
}
