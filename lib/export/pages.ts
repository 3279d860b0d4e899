import type { ActivityFilter } from '../activity/activity.filter.js';
import type { ActivityService } from '../activity/activity.service.js';
import { decodeCursor, encodeCursor } from '../activity/cursor.js';
import type { ActivityRow } from '../store/typeorm/reading/rows.js';
import type { Format } from './format.js';
import { pagesOfRecords } from './pages-of-records.js';

/** Some of the activities of an export, ready to be written. */
export interface Page {
  /** Bytes are good until the next page is asked for. */
  pieces: Iterable<string | Uint8Array>;
  count: number;
  /** Where to go on behind it. */
  next: string;
}

export type Pages = AsyncGenerator<Page, void, void>;

/**
 * The oldest first.
 * @param after {@link Page.next}
 * @throws InvalidFilterError
 */
export function pagesOf(
  activities: ActivityService,
  format: Format,
  filter: ActivityFilter,
  after?: string,
): Pages {
  const place = after === undefined ? undefined : decodeCursor(after);
  const records = format.isJson ? activities.recordReader() : undefined;
  if (records) return pagesOfRecords(records, format, filter, place);
  return pagesOfRows(activities.rowReader().activities(filter, place), format);
}

async function* pagesOfRows(pages: AsyncIterable<ActivityRow[]>, format: Format): Pages {
  for await (const rows of pages) {
    const last = rows.at(-1);
    if (last) yield { pieces: textsOf(rows, format), count: rows.length, next: encodeCursor(last) };
  }
}

/** Texts of more than some 100 KiB leave the memory that is quickly given and taken back, and cost several times as much. */
const AT_ONCE = 100;

function* textsOf(rows: ActivityRow[], { row, end, separator }: Format): Generator<string, void, void> {
  for (let at = 0; at < rows.length; at += AT_ONCE) {
    const text = rows
      .slice(at, at + AT_ONCE)
      .map(row)
      .join(end + separator);
    yield (at === 0 ? '' : separator) + text + end;
  }
}
