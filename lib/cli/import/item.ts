/** One row of a file. */
export interface Item {
  /** The position in the file, such as `line 3`. */
  place: string;
  /** @throws Error if it cannot be read */
  read(): unknown;
  /** Whether its values are the cells of CSV. */
  isCells?: boolean;
}
