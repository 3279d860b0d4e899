import { setImmediate } from 'node:timers/promises';

/** Rows in one statement. */
const CHUNK_SIZE = 500;
/** So many items are processed in a few milliseconds. */
const BATCH_SIZE = 5000;

export function chunks<T>(all: T[], size = CHUNK_SIZE): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, i) => all.slice(i * size, (i + 1) * size));
}

/** Yields the items in chunks, and lets the event loop do other work between them. */
export async function* yieldingChunks<T>(all: T[], size = BATCH_SIZE): AsyncGenerator<T[], void, void> {
  for (const [i, some] of chunks(all, size).entries()) {
    if (i > 0) await setImmediate();
    yield some;
  }
}
