import type { ParsedFilter } from '../activity/activity.filter.js';
import type { Cursor } from '../activity/pagination.js';

/** Reads many activities that are only converted to text. */
export interface RecordReader {
  /** The oldest first, in pages. */
  activities(filter: ParsedFilter, after?: Cursor): AsyncGenerator<PageOfRecords, void, void>;
  sessions(ids: string[]): Promise<Records>;
}

/**
 * Rows without separators, with the columns of activity-columns.ts, as PostgreSQL writes records: `(one,"two ""or"" three",,"")(four,…`.
 * Fields that are empty or contain a comma, parenthesis, quote, backslash or space are quoted, with quotes and backslashes
 * doubled. An unquoted empty field is `NULL`. See PostgreSQL's documentation, "Composite Type Input and Output Syntax".
 */
export interface Records {
  count: number;
  text: string;
}

export interface PageOfRecords extends Records {
  /** The place of the last row. */
  last: { id: string; date: string };
}
