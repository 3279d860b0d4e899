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

/** Number of works whose signal may be asked for. */
let working = 0;

/** Runs the work; its queries are cancelled when the signal aborts. */
export async function cancelledBy<T>(signal: AbortSignal, work: () => Promise<T>): Promise<T> {
  working += 1;
  try {
    return await signals.run(signal, work);
  } finally {
    end();
  }
}

/** Like {@link cancelledBy}, each time that the result is subscribed to. */
export function observedBy<T>(signal: AbortSignal, work: () => Observable<T>): Observable<T> {
  return new Observable((subscriber) => {
    working += 1;
    subscriber.add(end);
    subscriber.add(signals.run(signal, () => work().subscribe(subscriber)));
  });
}

/** Up to Node 22, a storage that is in use costs every promise of the host, so it is given back with the last work. */
function end(): void {
  working -= 1;
  if (working === 0) signals.disable();
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
