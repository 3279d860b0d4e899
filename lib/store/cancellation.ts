import { AsyncLocalStorage } from 'node:async_hooks';
import { Observable } from 'rxjs';
import { UnavailableError } from './unavailable.error.js';

/** The caller no longer waits for the answer. */
export class AbandonedError extends UnavailableError {
  constructor() {
    super('the caller does not wait for the answer any more');
    this.name = 'AbandonedError';
  }
}

const signals = new AsyncLocalStorage<AbortSignal>();

/** Number of calls below that have not ended. */
let running = 0;

/** Runs the work; its queries are cancelled when the signal aborts. What goes on after the result has settled may lose the signal. */
export async function cancelledBy<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  running += 1;
  try {
    return await signals.run(signal, work);
  } finally {
    release();
  }
}

/** Like {@link cancelledBy}, for each subscription to the result. */
export function observableCancelledBy<T>(signal: AbortSignal, work: () => Observable<T>): Observable<T> {
  return new Observable((subscriber) => {
    running += 1;
    try {
      subscriber.add(signals.run(signal, () => work().subscribe(subscriber)));
    } finally {
      subscriber.add(release);
    }
  });
}

/** Disables the storage when the last call has ended: up to Node 22, an enabled one costs every promise of the host. */
function release(): void {
  running -= 1;
  if (running === 0) signals.disable();
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
