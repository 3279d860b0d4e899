import type { ActivityFilter, ParsedFilter } from '../activity/activity.filter.js';
import type { ScopedActivities } from '../activity/scoped-activities.js';
import { type Cursor, decodeCursor, encodeCursor } from '../activity/pagination.js';
import { ACTIVITY_COLUMNS, SESSION_COLUMNS } from '../activity/activity-columns.js';
import type { ActivityRow } from '../activity/activity-row.js';
import { PageCache } from '../store/page-cache.js';
import type { RecordReader } from '../store/records.js';
import type { ExportPages, Format } from './format.js';
import { type JsonPart, RecordJsonWriter } from './record-json.js';
import { ReusableBuffer } from './reusable-buffer.js';

/**
 * Reads the activities of a filter, the oldest first, and writes them page by page.
 * @param after the `next` of an earlier page
 * @throws InvalidFilterError
 */
export function exportPages(
  activities: Pick<ScopedActivities, 'pages' | 'parse' | 'records'>,
  format: Format,
  filter: ActivityFilter,
  after?: string,
): ExportPages {
  const cursor = after === undefined ? undefined : decodeCursor(after);
  const { records } = activities;
  return format.isJson && records
    ? pagesOfRecords(records, format, activities.parse(filter), cursor)
    : pagesOfRows(activities.pages(filter, cursor), format);
}

async function* pagesOfRows(pages: AsyncIterable<ActivityRow[]>, format: Format): ExportPages {
  for await (const rows of pages) {
    const last = rows.at(-1);
    if (last) yield { pieces: writeRows(rows, format), count: rows.length, next: encodeCursor(last) };
  }
}

/** Strings over about 100 KiB go to V8's large-object space, which is several times slower. */
const BATCH_SIZE = 100;

function* writeRows(rows: ActivityRow[], { row, end, separator }: Format): Generator<string, void, void> {
  for (let start = 0; start < rows.length; start += BATCH_SIZE) {
    const text = rows
      .slice(start, start + BATCH_SIZE)
      .map(row)
      .join(end + separator);
    yield (start === 0 ? '' : separator) + text + end;
  }
}

async function* pagesOfRecords(
  reader: RecordReader,
  { end, separator }: Format,
  filter: ParsedFilter,
  after: Cursor | undefined,
): ExportPages {
  const afterRow = `}${end}${separator}`;
  const activities = new RecordJsonWriter(ACTIVITY_COLUMNS, 'sessionId', ',"session":');
  const sessions = new RecordJsonWriter(SESSION_COLUMNS, 'id', `}${afterRow}`);
  const noSession = Buffer.from(`null${afterRow}`);
  const cache = new PageCache<Buffer>();
  const loadSessions = async (ids: string[]): Promise<[string, Buffer][]> => {
    const parts = sessions.write(await reader.sessions(ids));
    return parts.map(({ from, to, key }) => [key ?? '', Buffer.from(sessions.bytes.subarray(from, to))]);
  };
  const buffer = new ReusableBuffer();

  for await (const records of reader.activities(filter, after)) {
    const parts = activities.write(records);
    const known = await cache.of(
      parts.map(({ key }) => key),
      loadSessions,
    );
    const endings = parts.map(({ key }) => (key !== null && known.get(key)) || noSession);
    const piece = joinParts(activities.bytes, parts, endings, buffer);
    yield {
      pieces: [piece.subarray(0, piece.length - separator.length)],
      count: records.count,
      next: encodeCursor(records.last),
    };
  }
}

/** Joins all parts, each followed by its ending. */
function joinParts(bytes: Buffer, parts: JsonPart[], endings: Buffer[], buffer: ReusableBuffer): Buffer {
  let size = parts.at(-1)?.to ?? 0;
  for (const ending of endings) size += ending.length;
  const joined = buffer.allocate(size);
  let at = 0;
  for (const [i, ending] of endings.entries()) {
    const { from, to } = parts[i] ?? { from: 0, to: 0 };
    bytes.copy(joined, at, from, to);
    joined.set(ending, at + to - from);
    at += to - from + ending.length;
  }
  return joined.subarray(0, size);
}
