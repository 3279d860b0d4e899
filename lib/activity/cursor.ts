import { InvalidFilterError } from './activity.filter.js';
import { LAST_INSTANT } from '../time/time-zone.js';

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
