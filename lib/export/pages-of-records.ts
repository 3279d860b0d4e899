import type { ActivityFilter } from '../activity/activity.filter.js';
import { type Cursor, encodeCursor } from '../activity/cursor.js';
import { ACTIVITY_COLUMNS, SESSION_COLUMNS } from '../store/typeorm/reading/columns.js';
import { Latest } from '../store/typeorm/reading/page-cache.js';
import type { RecordReader } from '../store/typeorm/reading/records.js';
import type { Format } from './format.js';
import { JsonOfRecords, type Part } from './json-of-records.js';
import { Memory } from './memory.js';
import type { Pages } from './pages.js';

/** The pages of a format that is JSON. */
export async function* pagesOfRecords(
  reader: RecordReader,
  { end, separator }: Format,
  filter: ActivityFilter,
  after: Cursor | undefined,
): Pages {
  const behind = `}${end}${separator}`;
  const activities = new JsonOfRecords(ACTIVITY_COLUMNS, 'sessionId', ',"session":');
  const sessions = new JsonOfRecords(SESSION_COLUMNS, 'id', `}${behind}`);
  const none = Buffer.from(`null${behind}`);
  const latest = new Latest<Buffer>();
  const find = async (ids: string[]): Promise<[string, Buffer][]> => {
    const parts = sessions.make(await reader.sessions(ids));
    return parts.map(({ from, to, key }) => [key ?? '', Buffer.from(sessions.bytes.subarray(from, to))]);
  };
  const memory = new Memory();
  for await (const records of reader.activities(filter, after)) {
    const parts = activities.make(records);
    const known = await latest.of(
      parts.map(({ key }) => key),
      find,
    );
    const endings = parts.map(({ key }) => (key !== null && known.get(key)) || none);
    const piece = joined(activities.bytes, parts, endings, memory);
    yield {
      pieces: [piece.subarray(0, piece.length - separator.length)],
      count: records.count,
      next: encodeCursor(records.last),
    };
  }
}

/** All of the parts, each with its ending. */
function joined(bytes: Buffer, parts: Part[], endings: Buffer[], memory: Memory): Buffer {
  let size = parts.at(-1)?.to ?? 0;
  for (const ending of endings) size += ending.length;
  const all = memory.take(size);
  let at = 0;
  for (const [i, ending] of endings.entries()) {
    const { from, to } = parts[i] ?? { from: 0, to: 0 };
    bytes.copy(all, at, from, to);
    all.set(ending, at + to - from);
    at += to - from + ending.length;
  }
  return all.subarray(0, size);
}
