/** One of the rows that a file holds. */
export interface Item {
  /** Such as `line 3`. */
  place: string;
  /** @throws Error where it cannot be read */
  read(): unknown;
  /** Whether its values are the cells of CSV. */
  isCells?: boolean;
}
