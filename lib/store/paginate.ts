import { setImmediate } from 'node:timers/promises';
import type { Cursor } from '../activity/pagination.js';

export interface FetchedPage<T> {
  page: T;
  /** How many activities it has. */
  count: number;
  /** The cursor of its last activity. */
  last: { id: string; date: string | number } | undefined;
}

/**
 * Yields the pages of a list in their order, and loads the next page while the caller uses one.
 * @param size of a page
 */
export async function* paginate<T>(
  size: number,
  after: Cursor | undefined,
  ask: (after: Cursor | undefined) => Promise<FetchedPage<T>>,
): AsyncGenerator<T, void, void> {
  let coming: Promise<FetchedPage<T>> | undefined = ask(after);
  try {
    while (coming) {
      const { page, count, last }: FetchedPage<T> = await coming;
      coming = last && count === size ? ask({ date: Number(last.date), id: last.id }) : undefined;
      // The error is thrown when the promise is awaited.
      coming?.catch(() => {});
      // Lets the query be sent first, because work on the page may block the event loop.
      await setImmediate();
      if (count > 0) yield page;
    }
  } finally {
    // If the reader stops, the connection is in use until then.
    await coming?.catch(() => {});
  }
}
