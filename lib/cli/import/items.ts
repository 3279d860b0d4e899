import { pipeline, Readable } from 'node:stream';
import Parser from 'stream-json/Parser.js';
import StreamArray from 'stream-json/streamers/StreamArray.js';
import { isUtf8 } from 'node:buffer';
import { linesOf, MAX_LINE } from './lines.js';

/** One of the rows that a file holds. */
export interface Item {
  /** Such as `line 3`. */
  place: string;
  /** @throws Error where it is no JSON */
  read(): unknown;
}

const BYTE_ORDER_MARK = Buffer.from('\uFEFF');
const MAX_BLANK = 65_536;

/** The items of a JSON array, or of NDJSON. */
export async function* itemsOf(chunks: AsyncIterable<Buffer>): AsyncGenerator<Item, void, void> {
  const { beginning, all } = await peek(chunks);
  yield* beginning === '[' ? itemsOfArray(all) : itemsOfLines(all);
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
    // The parser's own words are different in each version of Node.
    throw new Error('it is not JSON');
  }
}

async function* itemsOfArray(chunks: AsyncIterable<Buffer>): AsyncGenerator<Item, void, void> {
  const array = new StreamArray();
  // What goes wrong is thrown where the items are read.
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

/** Looks at the first character that is no blank. */
async function peek(
  chunks: AsyncIterable<Buffer>,
): Promise<{ beginning: string | undefined; all: AsyncIterable<Buffer> }> {
  const rest = chunks[Symbol.asyncIterator]();
  let head: Buffer = Buffer.alloc(0);
  let beginning: string | undefined;
  while (beginning === undefined && head.length < MAX_BLANK) {
    const { value, done } = await rest.next();
    if (done) break;
    head = Buffer.concat([head, value]);
    // A mark in two chunks begins like one.
    if (head.length < BYTE_ORDER_MARK.length && BYTE_ORDER_MARK.subarray(0, head.length).equals(head))
      continue;
    if (head.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK))
      head = head.subarray(BYTE_ORDER_MARK.length);
    beginning = head.toString('latin1').trimStart()[0];
  }
  return { beginning, all: rejoin(head, rest) };
}

async function* rejoin(head: Buffer, rest: AsyncIterator<Buffer>): AsyncGenerator<Buffer, void, void> {
  yield head;
  yield* { [Symbol.asyncIterator]: () => rest };
}
