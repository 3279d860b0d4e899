/** One page of a list. */
export interface Page<T> {
  items: T[];
  /** The value of `after` for the next page; `null` at the end. */
  next: string | null;
}

/** Selects a page of a list, and the order. */
export interface PageOptions {
  /** 1 to 1,000; default 50. */
  limit?: number | undefined;
  /** {@link Page.next} of the page before. */
  after?: string | undefined;
  /** By date; default `desc`, the latest first. */
  order?: 'asc' | 'desc' | undefined;
}

export const DEFAULT_LIMIT = 50;
export const MAX_LIMIT = 1000;
