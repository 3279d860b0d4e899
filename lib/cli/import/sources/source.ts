import type { Properties } from '../../../activity/activity.js';
import type { SourceRow } from './source-row.js';

/** Converts the exports of another tool; it does not use the database. */
export interface Source {
  /** The name in messages. */
  name: string;
  /** In the order of reading: rows that others refer to are first. */
  tables: Table[];
  /** Called before each file of rows without ids. */
  beginFile?(): void;
  /** Returns activities that are known only after all files, such as those of visits without events. */
  end?(): Iterable<Properties>;
}

/** One kind of file. */
export interface Table {
  /** The name in the tool. */
  name: string;
  /** Whether a file with these columns is of this kind. */
  matches: (columns: Set<string>) => boolean;
  /** Why such files cannot be imported. */
  refusal?: string;
  /** Returns activities as docs/import.md describes them. */
  read(row: SourceRow): Iterable<Properties>;
}

export const hasAll =
  (...names: string[]) =>
  (columns: Set<string>): boolean =>
    names.every((name) => columns.has(name));
