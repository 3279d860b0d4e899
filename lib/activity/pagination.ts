import { InvalidFilterError } from './activity.filter.js';
import { LAST_INSTANT } from '../time/time-zone.js';

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

/** A place in the order of activities by date, then id. */
export interface Cursor {
  /** Milliseconds since 1970. */
  date: number;
  id: string;
}

export function encodeCursor({ date, id }: { date: Date | string | number; id: string }): string {
  return Buffer.from(`${Number(date)}.${id}`).toString('base64url');
}

/** @throws InvalidFilterError if {@link encodeCursor} did not create the text */
export function decodeCursor(text: unknown): Cursor {
  const place = typeof text === 'string' ? Buffer.from(text, 'base64url').toString() : '';
  const match = /^(\d{1,15})\.([\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12})$/.exec(place);
  const date = Number(match?.[1]);
  if (!match?.[2] || date > LAST_INSTANT)
    throw new InvalidFilterError('after', 'must be the "next" value of a previous page');
  return { date, id: match[2] };
}
