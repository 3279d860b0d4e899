import type { Activity } from '../activity/activity.entity.js';
import type { Format } from './format.js';

/** All of a document, page by page. */
export async function* written(
  pages: AsyncIterable<Activity[]>,
  format: Format,
): AsyncGenerator<string, void, void> {
  let isBegun = false;
  for await (const page of pages) {
    yield (isBegun ? format.separator : format.head) + format.rows(page);
    isBegun = true;
  }
  yield (isBegun ? '' : format.head) + format.tail;
}
