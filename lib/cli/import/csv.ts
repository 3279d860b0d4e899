import { pipeline, Readable } from 'node:stream';
import csvParser from 'csv-parser';
import type { Properties } from '../../activity/activity.js';
import { unescapeFormulas } from '../../export/csv-row.js';
import type { Item } from './item.js';
import { MAX_LINE } from './lines.js';

const SEPARATORS = [',', ';', '\t'];
/** Characters after a backslash in the tab-separated text of databases. */
const ESCAPES = new Map([
  ['n', '\n'],
  ['t', '\t'],
  ['r', '\r'],
  ['0', '\0'],
]);

/** Returns the separator of the columns: the one that is most frequent in the header. */
export function detectSeparator(header: string): string {
  const counts = SEPARATORS.map((separator) => header.split(separator).length);
  return SEPARATORS[counts.indexOf(Math.max(...counts))] ?? ',';
}

/**
 * Reads the rows of CSV, or of tab-separated text with backslashes, as databases write it. Each row is an object of
 * texts by the names of their columns.
 */
export async function* itemsOfCsv(
  chunks: AsyncIterable<Buffer>,
  separator: string,
): AsyncGenerator<Item, void, void> {
  const isTab = separator === '\t';
  // Tab-separated text has no quotes.
  const parser = csvParser({ separator, quote: isTab ? '' : '"', maxRowBytes: MAX_LINE });
  let columns = 0;
  parser.on('headers', (headers: string[]) => (columns = new Set(headers).size));
  // Errors are thrown when the rows are read.
  pipeline(Readable.from(checkUtf8(chunks)), parser, () => {});
  const rows: AsyncIterable<Record<string, string>> = parser;
  let number = 0;
  try {
    for await (const row of rows) {
      const cells = Object.keys(row).length;
      if (cells === 0) continue;
      number += 1;
      const read = (): Properties => {
        if (cells !== columns) throw new Error(`it has ${cells} cells, but the header ${columns}`);
        return isTab ? unescapeCells(row) : row;
      };
      yield { place: `row ${number}`, read, isCells: true };
    }
  } catch (error) {
    const read = (): never => {
      throw new Error('the rest of the file cannot be parsed; a quoted cell may not be closed', {
        cause: error,
      });
    };
    yield { place: `behind row ${number}`, read, isCells: true };
  }
}

function unescapeCells(row: Record<string, string>): Properties {
  const cells = Object.entries(row).map(([column, cell]): [string, string] => [
    column,
    cell === '\\N' || !cell.includes('\\')
      ? cell
      : cell.replaceAll(/\\(.)/gs, (_, character: string) => ESCAPES.get(character) ?? character),
  ]);
  return Object.fromEntries(cells);
}

/** A character may be cut at the border of two chunks. */
async function* checkUtf8(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer, void, void> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  const check = (chunk?: Buffer): void => {
    try {
      decoder.decode(chunk, { stream: chunk !== undefined });
    } catch {
      // The decoder's message depends on Node's version.
      throw new Error('it is not UTF-8');
    }
  };
  for await (const chunk of chunks) {
    check(chunk);
    yield chunk;
  }
  check();
}

const SESSION = 'session.';
/** Boolean columns. */
const FLAGS = new Set(['interactive', 'session.bot', 'session.consent']);

/**
 * Converts the cells of an exported CSV file to an object of `export --format ndjson`.
 * @param raw whether they were exported with `--raw`
 */
export function itemOfCells(cells: Properties, raw: boolean): Properties {
  const item: Properties = {};
  const session: Properties = {};
  let hasSession = false;
  let isSessionEmpty = true;
  for (const [column, cell] of Object.entries(cells)) {
    const text = typeof cell === 'string' && cell !== '' ? (raw ? cell : unescapeFormulas(cell)) : null;
    if (!column.startsWith(SESSION)) {
      item[column] = column === 'properties' ? parseJson(text) : parseValue(column, text);
      continue;
    }
    hasSession = true;
    if (text !== null) isSessionEmpty = false;
    session[column.slice(SESSION.length)] = parseValue(column, text);
  }
  if (hasSession) item.session = isSessionEmpty ? null : session;
  return item;
}

/** Parses JSON. Invalid JSON remains a string, which validation then rejects. */
function parseJson(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function parseValue(column: string, text: string | null): unknown {
  const isFlag = FLAGS.has(column) && (text === 'true' || text === 'false');
  return isFlag ? text === 'true' : text;
}
