import { isLongerThan, isStorable } from './text.js';

/**
 * The object of an activity: a type of up to 64 letters, digits, `_`, `.` and `-`, and an id of up to 255 characters, such
 * as `['order', 17]`; or both as one text, as they are stored, such as `order:17`.
 */
export type Subject = string | readonly [type: string, id: string | number | bigint];

const MAX_TYPE = 64;
const MAX_ID = 255;
/** Characters of the stored text. */
export const MAX_SUBJECT = MAX_TYPE + 1 + MAX_ID;

const STORED = /^[\w.-]{1,64}:(.+)$/s;

/** @returns the stored text, such as `order:17`; `undefined` if it is not a valid subject */
export function storedSubject(subject: unknown): string | undefined {
  const text = toText(subject);
  const id = STORED.exec(text)?.[1];
  return id === undefined || isLongerThan(id, MAX_ID) || !isStorable(id) ? undefined : text;
}

export const SUBJECT_FAULT = `must be [type, id] or 'type:id': a type of up to ${MAX_TYPE} letters, digits, "_", "." and "-", and an id of up to ${MAX_ID} characters`;

function toText(subject: unknown): string {
  if (typeof subject === 'string') return subject;
  const parts: unknown[] = Array.isArray(subject) ? subject : [];
  const [type, id] = parts;
  const isPair = parts.length === 2 && typeof type === 'string' && !type.includes(':');
  return isPair && isId(id) ? `${type}:${id}` : '';
}

function isId(id: unknown): id is string | number | bigint {
  return typeof id === 'number' ? Number.isFinite(id) : typeof id === 'string' || typeof id === 'bigint';
}
