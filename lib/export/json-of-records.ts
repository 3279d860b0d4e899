import type { Records } from '../activity/dialects/dialect.js';
import { COLUMNS, type WithSession } from '../activity/reader.js';

const [QUOTE = 0, BACKSLASH = 0, COMMA = 0, CLOSE = 0, ZERO = 0, SPACE = 0] = Buffer.from('"\\,)0 ');
const NULL = Buffer.from('null');
const FIELDS = COLUMNS.map((column, i) => ({
  column,
  key: Buffer.from(`${i === 0 ? '{' : ','}"${column}":`),
}));

/** What stands in JSON for a character that cannot stand for itself; UTF-8 has one byte for each of them. */
const ESCAPES = Array.from({ length: 128 }, (_, byte) =>
  Buffer.from(JSON.stringify(String.fromCharCode(byte)).slice(1, -1)),
);
const IS_ESCAPED = Uint8Array.from({ length: 256 }, (_, byte) => Number((ESCAPES[byte]?.length ?? 1) > 1));

const LONGEST_ESCAPE = '\\u0000'.length;
const LENGTH_OF_DATE = '"YYYY-MM-DDTHH:MM:SS.sssZ"'.length;
const LENGTH_OF_KEYS = Buffer.concat(FIELDS.map(({ key }) => key)).length;

const MINUTE = 60_000;
const SECONDS = Array.from({ length: 60 }, (_, second) => Buffer.from(`${second}.`.padStart(3, '0')));
const MILLISECONDS = Array.from({ length: 1000 }, (_, each) => Buffer.from(`${each}Z"`.padStart(5, '0')));

/** An activity as JSON up to its session. */
export interface Beginning extends WithSession {
  /** Where its bytes end, and those of the next begin. */
  end: number;
}

/**
 * Makes JSON of records byte by byte: less than half the time that it takes with an object for each, and a text for each of
 * its values. It is what `JSON.stringify` makes of the rows, with their properties as they are stored.
 */
export class JsonOfRecords {
  /** What was made; good until the next time. */
  bytes = Buffer.alloc(0);
  private size = 0;
  private source = Buffer.alloc(0);
  private at = 0;
  private minute = Number.NaN;
  private untilMinute = Buffer.alloc(0);

  make({ text, count }: Records): Beginning[] {
    this.source = Buffer.from(text ?? '');
    this.at = 0;
    // Quotation marks, or `null`, are no longer than what the comma of each value counts for.
    const most = LONGEST_ESCAPE * this.source.length + count * (LENGTH_OF_KEYS + 2 * LENGTH_OF_DATE);
    if (this.bytes.length < most) this.bytes = Buffer.allocUnsafeSlow(most);
    this.size = 0;
    const beginnings: Beginning[] = [];
    while (beginnings.length < count) beginnings.push(this.record());
    return beginnings;
  }

  private record(): Beginning {
    let sessionId: WithSession['sessionId'] = null;
    for (const { column, key } of FIELDS) {
      // The bracket or the comma before the value.
      this.at += 1;
      this.put(key);
      const begun = this.size;
      if (column === 'date' || column === 'receivedAt') this.date();
      else this.value(column === 'properties');
      if (column === 'sessionId') sessionId = this.textSince(begun);
    }
    this.at += 1;
    return { end: this.size, sessionId, session: null };
  }

  /** What was made of a text. */
  private textSince(begun: number): string | null {
    const json = this.bytes.toString('latin1', begun, this.size);
    // Session ids are ASCII; who has stored others by hand shall find them too.
    return /^"[\w-]+"$/.test(json)
      ? json.slice(1, -1)
      : JSON.parse(this.bytes.toString('utf8', begun, this.size));
  }

  private put(bytes: Uint8Array): void {
    const to = this.bytes;
    let { size } = this;
    // So few are copied sooner than `set` is called.
    for (let i = 0; i < bytes.length; i += 1) to[size++] = bytes[i] ?? 0;
    this.size = size;
  }

  /** As `toISOString`; most dates are in the same minute as the one before. */
  private date(): void {
    let instant = 0;
    for (let digit = this.digit(); digit >= 0; digit = this.digit()) {
      instant = 10 * instant + digit;
      this.at += 1;
    }
    const rest = instant % MINUTE;
    if (instant - rest !== this.minute) {
      this.minute = instant - rest;
      this.untilMinute = Buffer.from(new Date(instant).toISOString().slice(0, 'YYYY-MM-DDTHH:MM:'.length));
    }
    const { bytes } = this;
    bytes[this.size++] = QUOTE;
    this.put(this.untilMinute);
    this.put(SECONDS[Math.trunc(rest / 1000)] ?? NULL);
    this.put(MILLISECONDS[rest % 1000] ?? NULL);
  }

  /** -1 where there is none. */
  private digit(): number {
    const digit = (this.source[this.at] ?? 0) - ZERO;
    return digit <= 9 ? digit : -1;
  }

  /** @param isJson whether it is JSON already */
  private value(isJson: boolean): void {
    const { source, bytes } = this;
    let { at, size } = this;
    const first = source[at];
    if (first === COMMA || first === CLOSE) {
      this.put(NULL);
      return;
    }
    const isQuoted = first === QUOTE;
    if (isQuoted) at += 1;
    if (!isJson) bytes[size++] = QUOTE;
    for (; at < source.length; at += 1) {
      const byte = source[at] ?? 0;
      if (!isQuoted) {
        if (byte === COMMA || byte === CLOSE) break;
      } else if (byte === QUOTE || byte === BACKSLASH) {
        at += 1;
        // Two of them stand for one.
        if (source[at] !== byte) break;
      }
      if (IS_ESCAPED[byte] === 0) bytes[size++] = byte;
      else if (!isJson) size = this.escape(byte, size);
      // A line break between parts of JSON would be one between lines.
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
