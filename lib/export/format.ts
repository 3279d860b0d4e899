import type { ActivityRow } from '../activity/activity-row.js';

/** The output formats of an export. */
export interface Format {
  /** Before the first row. */
  head: string;
  row: (activity: ActivityRow) => string;
  /** After each row. */
  end: string;
  /** Between rows. */
  separator: string;
  /** After the last row. */
  tail: string;
  /** True if more rows can be appended to a finished export. */
  appendable: boolean;
  /** True if a row is JSON. */
  isJson: boolean;
}

export const FORMATS = ['ndjson', 'csv', 'json'] as const;
export type FormatName = (typeof FORMATS)[number];

/** Some of the activities of an export, ready to be written. */
export interface ExportPage {
  /** Bytes are overwritten when the next page is requested. */
  pieces: Iterable<string | Uint8Array>;
  count: number;
  /** The cursor of the next page. */
  next: string;
}

export type ExportPages = AsyncGenerator<ExportPage, void, void>;

/** A file of activities, written page by page. After each page, only the file's footer is missing. */
export class ExportDocument {
  private hasRows = false;

  /** @param isResumed true if the head is written already */
  constructor(
    private readonly format: Format,
    private isResumed = false,
  ) {}

  *write({ pieces }: ExportPage): Generator<string | Uint8Array, void, void> {
    yield this.head() + (this.hasRows ? this.format.separator : '');
    yield* pieces;
    this.isResumed = true;
    this.hasRows = true;
  }

  /** Returns the end. An export that stops early needs it as well, so that it can be read. */
  end(): string {
    return this.head() + this.format.tail;
  }

  private head(): string {
    return this.isResumed ? '' : this.format.head;
  }
}
