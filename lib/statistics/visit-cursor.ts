import { InvalidFilterError } from '../activity/activity.filter.js';

/** A place in the order of visits by their start, then id. */
export interface VisitCursor {
  /** Milliseconds since 1970. */
  start: number;
  visit: string;
}

export function encodeVisitCursor({ start, visit }: VisitCursor): string {
  return Buffer.from(`${start}.${visit}`).toString('base64url');
}

/** @throws InvalidFilterError */
export function decodeVisitCursor(after: unknown): VisitCursor {
  const place = typeof after === 'string' ? Buffer.from(after, 'base64url').toString() : '';
  const [, start, visit] = /^(\d{1,15})\.([\w-]{1,16})$/.exec(place) ?? [];
  if (!start || !visit) throw new InvalidFilterError('after', 'must be the "next" value of a previous page');
  return { start: Number(start), visit };
}
