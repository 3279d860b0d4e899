import { setImmediate } from 'node:timers/promises';
import { chunks } from '../../../database/chunks.js';

/** So many take a few milliseconds. */
const BATCH_SIZE = 5000;

/** Some after the others. Between them the event loop goes on: nobody waits until all are worked through. */
export async function* inTurns<T>(all: T[]): AsyncGenerator<T[], void, void> {
  for (const [i, some] of chunks(all, BATCH_SIZE).entries()) {
    if (i > 0) await setImmediate();
    yield some;
  }
}
