import type { ActivityFilter } from '../activity/activity.filter.js';
import { decodeCursor, encodeCursor } from '../activity/cursor.js';
import type { Records } from '../activity/dialects/dialect.js';
import type { ActivityReader, ActivityRow } from '../activity/reader.js';
import type { Format } from './format.js';
import { type Beginning, JsonOfRecords } from './json-of-records.js';
import { once } from './once.js';

/** Some of the activities of an export, ready to be written. */
export interface Page {
  pieces: Iterable<string | Uint8Array>;
  count: number;
  /** Where to go on behind it. */
  next: string;
}

type Pages = AsyncGenerator<Page, void, void>;

/**
 * The oldest first.
 * @param after {@link Page.next}
 * @throws InvalidFilterError
 */
export function pagesOf(
  reader: ActivityReader,
  format: Format,
  filter: ActivityFilter,
  after?: string,
): Pages {
  const place = after === undefined ? undefined : decodeCursor(after);
  const records = format.isJson ? reader.records(filter, place) : undefined;
  return records ? pagesOfRecords(reader, records, format) : pagesOfRows(reader.rows(filter, place), format);
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

const BEFORE = Buffer.from(',"session":');
const NULL = Buffer.from('null');

async function* pagesOfRecords(reader: ActivityReader, pages: AsyncIterable<Records>, format: Format): Pages {
  const json = new JsonOfRecords();
  const write = once((session) => Buffer.from(JSON.stringify(session)));
  for await (const records of pages) {
    const beginnings = json.make(records);
    await reader.addSessions(beginnings);
    const sessions = beginnings.map(({ session }) => (session ? write(session) : NULL));
    yield {
      pieces: [joined(json.bytes, beginnings, sessions, format)],
      count: records.count,
      next: encodeCursor(records),
    };
  }
}

function joined(bytes: Buffer, beginnings: Beginning[], sessions: Buffer[], format: Format): Buffer {
  const behind = Buffer.from(`}${format.end}${format.separator}`);
  let size = beginnings.at(-1)?.end ?? 0;
  for (const session of sessions) size += BEFORE.length + session.length + behind.length;
  const all = Buffer.allocUnsafeSlow(size);
  let [from, to] = [0, 0];
  for (const [i, session] of sessions.entries()) {
    const until = beginnings[i]?.end ?? from;
    bytes.copy(all, to, from, until);
    to += until - from;
    from = until;
    all.set(BEFORE, to);
    all.set(session, to + BEFORE.length);
    to += BEFORE.length + session.length;
    all.set(behind, to);
    to += behind.length;
  }
  return all.subarray(0, size - format.separator.length);
}
