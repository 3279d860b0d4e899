import type { Records } from '../store/records.js';
import { ReusableBuffer } from './reusable-buffer.js';
import { MINUTE } from '../time/units.js';

const [QUOTE = 0, BACKSLASH = 0, COMMA = 0, CLOSE = 0, ZERO = 0, SPACE = 0, T = 0] = Buffer.from('"\\,)0 t');
const NULL = Buffer.from('null');
const TRUE = Buffer.from('true');
const FALSE = Buffer.from('false');

/** How JSON escapes characters. All that have to be escaped have one byte in UTF-8. */
const ESCAPES = Array.from({ length: 128 }, (_, byte) =>
  Buffer.from(JSON.stringify(String.fromCharCode(byte)).slice(1, -1)),
);
const IS_ESCAPED = Uint8Array.from({ length: 256 }, (_, byte) => Number((ESCAPES[byte]?.length ?? 1) > 1));

const SECONDS = Array.from({ length: 60 }, (_, second) => Buffer.from(`${second}.`.padStart(3, '0')));
const MILLISECONDS = Array.from({ length: 1000 }, (_, each) => Buffer.from(`${each}Z"`.padStart(5, '0')));

const MAX_ESCAPE_LENGTH = '\\u0000'.length;
const DATE_LENGTH = '"YYYY-MM-DDTHH:MM:SS.sssZ"'.length;

type Kind = 'text' | 'date' | 'boolean' | 'json';

/** The columns that are not texts. */
const KINDS: Record<string, Kind> = {
  date: 'date',
  receivedAt: 'date',
  startedAt: 'date',
  bot: 'boolean',
  consent: 'boolean',
  interactive: 'boolean',
  properties: 'json',
};

/** The JSON of one record. */
export interface JsonPart {
  /** Offsets of its first byte, and after its last. */
  from: number;
  to: number;
  /** The value of the key column. */
  key: string | null;
}

/**
 * Converts the records of PostgreSQL to JSON byte by byte. An export of a million activities takes half the time that it
 * takes with an object for each row: 4 times as long as `psql \\copy` writes CSV, in place of 8 times. The result equals
 * `JSON.stringify` of the rows, with the properties as they are stored.
 */
export class RecordJsonWriter {
  /** The result; overwritten by the next call of `write`. */
  bytes: Buffer = Buffer.alloc(0);
  private readonly buffer = new ReusableBuffer();
  private readonly fields: { name: Buffer; kind: Kind; isKey: boolean }[];
  private readonly end: Buffer;
  /** Bytes that each record has in addition to its values. */
  private readonly length: number;
  private size = 0;
  private source = Buffer.alloc(0);
  private at = 0;
  private minute = Number.NaN;
  private untilMinute = Buffer.alloc(0);

  /**
   * @param columns the columns of the records
   * @param key the column whose value each part has as its key
   * @param end is written after the last column
   */
  constructor(columns: string[], key: string, end: string) {
    this.fields = columns.map((column, i) => ({
      name: Buffer.from(`${i === 0 ? '{' : ','}"${column}":`),
      kind: KINDS[column] ?? 'text',
      isKey: column === key,
    }));
    this.end = Buffer.from(end);
    this.length = this.end.length;
    for (const { name } of this.fields) this.length += name.length + DATE_LENGTH;
  }

  write({ text, count }: Records): JsonPart[] {
    this.source = Buffer.from(text);
    this.at = 0;
    this.bytes = this.buffer.allocate(MAX_ESCAPE_LENGTH * this.source.length + this.length * count);
    this.size = 0;
    const parts: JsonPart[] = [];
    while (parts.length < count) parts.push(this.record());
    return parts;
  }

  private record(): JsonPart {
    const from = this.size;
    let key: string | null = null;
    for (const { name, kind, isKey } of this.fields) {
      // Skip the parenthesis or the comma before the value.
      this.at += 1;
      this.put(name);
      const begun = this.size;
      this.value(kind);
      if (isKey) key = this.textSince(begun);
    }
    this.at += 1;
    this.put(this.end);
    return { from, to: this.size, key };
  }

  private value(kind: Kind): void {
    const first = this.source[this.at];
    if (first === COMMA || first === CLOSE) {
      this.put(NULL);
    } else if (kind === 'date') {
      this.date();
    } else if (kind === 'boolean') {
      this.put(first === T ? TRUE : FALSE);
      this.at += 1;
    } else {
      this.text(kind === 'json');
    }
  }

  /** Returns the text whose JSON was just written. */
  private textSince(begun: number): string | null {
    const json = this.bytes.toString('latin1', begun, this.size);
    // Ids are ASCII, unless others were stored by SQL.
    return /^"[\w-]+"$/.test(json)
      ? json.slice(1, -1)
      : JSON.parse(this.bytes.toString('utf8', begun, this.size));
  }

  private put(bytes: Uint8Array): void {
    const to = this.bytes;
    let { size } = this;
    // For so few bytes, a loop is faster than `set`.
    for (let i = 0; i < bytes.length; i += 1) to[size++] = bytes[i] ?? 0;
    this.size = size;
  }

  /** Writes the result of `toISOString` without a string that must be encoded, which would take a twelfth of an export. */
  private date(): void {
    let instant = 0;
    for (let digit = this.digit(); digit >= 0; digit = this.digit()) {
      instant = 10 * instant + digit;
      this.at += 1;
    }
    const rest = instant % MINUTE;
    if (instant - rest !== this.minute) {
      this.minute = instant - rest;
      this.untilMinute = Buffer.from(
        `"${new Date(instant).toISOString().slice(0, 'YYYY-MM-DDTHH:MM:'.length)}`,
      );
    }
    this.put(this.untilMinute);
    this.put(SECONDS[Math.trunc(rest / 1000)] ?? NULL);
    this.put(MILLISECONDS[rest % 1000] ?? NULL);
  }

  /** Returns -1 if the next character is no digit. */
  private digit(): number {
    const digit = (this.source[this.at] ?? 0) - ZERO;
    return digit <= 9 ? digit : -1;
  }

  private text(isJson: boolean): void {
    const { source, bytes } = this;
    let { at, size } = this;
    const isQuoted = source[at] === QUOTE;
    if (isQuoted) at += 1;
    if (!isJson) bytes[size++] = QUOTE;
    for (; at < source.length; at += 1) {
      const byte = source[at] ?? 0;
      if (!isQuoted) {
        if (byte === COMMA || byte === CLOSE) break;
      } else if (byte === QUOTE || byte === BACKSLASH) {
        at += 1;
        // Quotes and backslashes are doubled.
        if (source[at] !== byte) break;
      }
      if (IS_ESCAPED[byte] === 0) bytes[size++] = byte;
      else if (!isJson) size = this.escape(byte, size);
      // A line break within the stored JSON would split the line of NDJSON.
      else bytes[size++] = Math.max(byte, SPACE);
    }
    if (!isJson) bytes[size++] = QUOTE;
    this.at = at;
    this.size = size;
  }

  private escape(byte: number, size: number): number {
    for (const each of ESCAPES[byte] ?? []) this.bytes[size++] = each;
    return size;
  }
}
