import { setImmediate } from 'node:timers/promises';
import { chunks } from '../../../database/chunks.js';

/** Items that take a few milliseconds. */
const BATCH_SIZE = 5000;

/** Handles items in chunks, and lets the event loop run between these. */
export async function* inTurns<T>(all: T[]): AsyncGenerator<T[], void, void> {
  for (const [i, some] of chunks(all, BATCH_SIZE).entries()) {
    if (i > 0) await setImmediate();
    yield some;
  }
}
