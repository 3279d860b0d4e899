import { pipeline, Readable } from 'node:stream';
import Parser from 'stream-json/Parser.js';
import StreamArray from 'stream-json/streamers/StreamArray.js';
import { isUtf8 } from 'node:buffer';
import { itemsOfCsv, detectSeparator } from './csv.js';
import type { Item } from './item.js';
import { linesOf, MAX_LINE } from './lines.js';
import { rejoin } from './rejoin.js';

const BYTE_ORDER_MARK = Buffer.from('\uFEFF');
const MAX_BLANK = 65_536;
/** The first bytes of archives. */
const ARCHIVES: [name: string, beginning: string][] = [
  ['a ZIP archive (or a spreadsheet): unpack it, or save it as CSV', 'PK\u0003\u0004'],
  ['a database of SQLite: export its table as CSV', 'SQLite format 3\0'],
  ['compressed: uncompress it first, or use gzip', '\u00fd7zXZ'],
  ['compressed: uncompress it first, or use gzip', '\u0028\u00b5\u002f\u00fd'],
  ['compressed: uncompress it first, or use gzip', 'BZh'],
];

/**
 * Reads the items of a JSON array, of NDJSON, or of CSV.
 * @throws Error that names the kind of any other file
 */
export async function* itemsOf(chunks: AsyncGenerator<Buffer, void, void>): AsyncGenerator<Item, void, void> {
  const { head, all } = await peek(chunks);
  const archive = ARCHIVES.find(([, beginning]) => head.startsWith(beginning));
  if (archive) throw new Error(`it is ${archive[0]}`);
  // NUL in a later line is an error of that row alone.
  const firstLine = head.trimStart().split('\n', 1)[0] ?? '';
  if (firstLine.includes('\0')) throw new Error('it is a binary file; expected NDJSON, JSON or CSV in UTF-8');
  const beginning = firstLine[0];
  if (beginning === '[') yield* itemsOfArray(all);
  else if (beginning === '{' || beginning === undefined) yield* itemsOfLines(all);
  else if (beginning === '<') throw new Error('it is HTML or XML; expected NDJSON, JSON or CSV');
  else yield* itemsOfCsv(all, detectSeparator(firstLine));
}

async function* itemsOfLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Item, void, void> {
  for await (const { number, bytes } of linesOf(chunks)) {
    if (!bytes?.every(isBlank)) yield { place: `line ${number}`, read: () => parse(bytes) };
  }
}

function isBlank(byte: number): boolean {
  return byte === 0x20 || byte === 0x09 || byte === 0x0d;
}

function parse(bytes: Buffer | undefined): unknown {
  if (!bytes) throw new Error(`it is longer than ${MAX_LINE} bytes`);
  if (!isUtf8(bytes)) throw new Error('it is not UTF-8');
  try {
    return JSON.parse(bytes.toString());
  } catch {
    // The parser's message depends on Node's version.
    throw new Error('it is not JSON');
  }
}

async function* itemsOfArray(chunks: AsyncIterable<Buffer>): AsyncGenerator<Item, void, void> {
  const array = new StreamArray();
  // Errors are thrown when the items are read.
  pipeline(Readable.from(chunks), new Parser({ streamValues: false }), array, () => {});
  const items: AsyncIterable<{ value: unknown }> = array;
  let number = 0;
  try {
    for await (const { value } of items) {
      number += 1;
      yield { place: `record ${number}`, read: () => value };
    }
  } catch (error) {
    yield { place: `behind record ${number}`, read: () => broken(error) };
  }
}

function broken(cause: unknown): never {
  throw new Error('the array cannot be read to its end', { cause });
}

/** Reads the beginning, up to the first line that is not blank, without consuming it. */
async function peek(
  rest: AsyncGenerator<Buffer, void, void>,
): Promise<{ head: string; all: AsyncIterable<Buffer> }> {
  let bytes: Buffer = Buffer.alloc(0);
  while (bytes.length < MAX_BLANK && !/\S.*\n/.test(bytes.toString('latin1'))) {
    const { value, done } = await rest.next();
    if (done) break;
    bytes = Buffer.concat([bytes, value]);
  }
  if (bytes.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK))
    bytes = bytes.subarray(BYTE_ORDER_MARK.length);
  return { head: bytes.subarray(0, MAX_BLANK).toString('latin1'), all: rejoin(bytes, rest) };
}
