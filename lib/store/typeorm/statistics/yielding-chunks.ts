import { setImmediate } from 'node:timers/promises';
import { chunks } from '../../../database/chunks.js';

/** So many items are processed in a few milliseconds. */
const BATCH_SIZE = 5000;

/** Yields the items in chunks, and lets the event loop do other work between them. */
export async function* yieldingChunks<T>(all: T[]): AsyncGenerator<T[], void, void> {
  for (const [i, some] of chunks(all, BATCH_SIZE).entries()) {
    if (i > 0) await setImmediate();
    yield some;
  }
}
