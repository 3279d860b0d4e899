import type { Properties } from './activity.entity.js';
import { isStorable } from './text.js';

export const MAX_PROPERTIES_BYTES = 4096;
export const MAX_LEVELS = 3;

/** An object from JSON: neither `null` nor an array. */
export function isObject(value: unknown): value is Properties {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @returns what is wrong with the properties of an activity, `undefined` if nothing is. */
export function faultOfProperties(value: unknown): string | undefined {
  if (!isObject(value)) return 'must be a JSON object';
  const fault = faultOfValue(value, 1);
  if (fault) return fault;
  return Buffer.byteLength(JSON.stringify(value)) > MAX_PROPERTIES_BYTES
    ? `must take at most ${MAX_PROPERTIES_BYTES} bytes`
    : undefined;
}

function faultOfValue(value: unknown, level: number): string | undefined {
  switch (typeof value) {
    case 'string':
      return isStorable(value) ? undefined : 'must not contain NUL or lone surrogates';
    case 'number':
      return faultOfNumber(value);
    case 'boolean':
      return undefined;
    case 'object':
      return value === null ? undefined : faultOfEntries(value, level);
    default:
      // From server code alone: JSON has no such value, and would drop it in silence.
      return `must not contain a ${typeof value}`;
  }
}

function faultOfNumber(value: number): string | undefined {
  if (!Number.isFinite(value)) return 'must not contain numbers that JSON cannot hold';
  // It may have been another one: JavaScript rounds them without a word.
  return Number.isInteger(value) && !Number.isSafeInteger(value)
    ? `must not contain integers beyond ±(2^53 - 1): send ${value} as text`
    : undefined;
}

function faultOfEntries(value: object, level: number): string | undefined {
  if (level > MAX_LEVELS) return `must be at most ${MAX_LEVELS} levels deep`;
  for (const [key, inner] of Object.entries(value)) {
    if (key === '__proto__') return 'must not have a key __proto__';
    const fault = isStorable(key)
      ? faultOfValue(inner, level + 1)
      : 'must not contain NUL or lone surrogates';
    if (fault) return fault;
  }
  return undefined;
}
