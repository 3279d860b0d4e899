import type { Properties } from './activity.js';
import { isStorable } from './text.js';

export const MAX_PROPERTIES_BYTES = 4096;
export const MAX_DEPTH = 3;

/** True for a JSON object: neither `null` nor an array. */
export function isObject(value: unknown): value is Properties {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Returns the error in the properties of an activity, or `undefined` if they are valid. */
export function validateProperties(value: unknown): string | undefined {
  if (!isObject(value)) return 'must be a JSON object';
  const error = validateValue(value, 1);
  if (error) return error;
  return Buffer.byteLength(JSON.stringify(value)) > MAX_PROPERTIES_BYTES
    ? `must take at most ${MAX_PROPERTIES_BYTES} bytes`
    : undefined;
}

function validateValue(value: unknown, level: number): string | undefined {
  switch (typeof value) {
    case 'string':
      return isStorable(value) ? undefined : 'must not contain NUL or lone surrogates';
    case 'number':
      return validateNumber(value);
    case 'boolean':
      return undefined;
    case 'object':
      return value === null ? undefined : validateEntries(value, level);
    default:
      // Only server code can pass such a value; JSON would drop it silently.
      return value === undefined
        ? 'must not contain undefined in an array'
        : `must not contain a ${typeof value}`;
  }
}

function validateNumber(value: number): string | undefined {
  if (!Number.isFinite(value)) return 'must not contain numbers that JSON cannot hold';
  // JavaScript has rounded it, so it may have been another number.
  return Number.isInteger(value) && !Number.isSafeInteger(value)
    ? `must not contain integers beyond ±(2^53 - 1): send ${value} as text`
    : undefined;
}

function validateEntries(value: object, level: number): string | undefined {
  if (level > MAX_DEPTH) return `must be at most ${MAX_DEPTH} levels deep`;
  for (const [key, inner] of Object.entries(value)) {
    if (key === '__proto__') return 'must not have a key __proto__';
    // An optional property of server code that has no value; JSON leaves it out.
    if (inner === undefined && !Array.isArray(value)) continue;
    const error = isStorable(key)
      ? validateValue(inner, level + 1)
      : 'must not contain NUL or lone surrogates';
    if (error) return error;
  }
  return undefined;
}
