import type { Properties } from '../../../activity/activity.js';
import type { SourceRow } from './source-row.js';

/** What another tool gives out. It knows no database. */
export interface Source {
  /** How messages call it. */
  name: string;
  /** In the order in which they are read: rows that others refer to come first. */
  tables: Table[];
  /** Called before each file of rows without ids. */
  beginFile?(): void;
  /** Activities that only the end of all files makes known, such as those of visits without any. */
  end?(): Iterable<Properties>;
}

/** One kind of file. */
export interface Table {
  /** As the tool calls it. */
  name: string;
  /** Whether a file with these columns is one. */
  matches: (columns: Set<string>) => boolean;
  /** Why such files are of no use. */
  refusal?: string;
  /** Returns activities as docs/import.md describes them. */
  read(row: SourceRow): Iterable<Properties>;
}

export const hasAll =
  (...names: string[]) =>
  (columns: Set<string>): boolean =>
    names.every((name) => columns.has(name));
