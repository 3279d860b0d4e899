import { setImmediate } from 'node:timers/promises';
import type { Cursor } from '../activity/cursor.js';

export interface Asked<T> {
  page: T;
  count: number;
  /** The place of its last activity. */
  last: { id: string; date: string | number } | undefined;
}

/**
 * Page by page by their place in the order, the next page while one is used.
 * @param size of a page
 */
export async function* walk<T>(
  size: number,
  after: Cursor | undefined,
  ask: (after: Cursor | undefined) => Promise<Asked<T>>,
): AsyncGenerator<T, void, void> {
  let coming: Promise<Asked<T>> | undefined = ask(after);
  try {
    while (coming) {
      const { page, count, last }: Asked<T> = await coming;
      coming = last && count === size ? ask({ date: Number(last.date), id: last.id }) : undefined;
      // The error is thrown when the promise is awaited.
      coming?.catch(() => {});
      // Until the query is sent, because work on the page may block the event loop.
      await setImmediate();
      if (count > 0) yield page;
    }
  } finally {
    // If the reader stops, the connection is in use until then.
    await coming?.catch(() => {});
  }
}
