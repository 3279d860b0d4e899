import { inspect, types } from 'node:util';

/** Characters of a code, as a column keeps it. */
const MAX_CODE = 64;
/** Characters of a reason in the log. */
const MAX_REASON = 1000;

/** The description of a thrown value. */
export interface Thrown {
  /** The name of its class, such as `TypeError`. */
  code: string;
  reason: string;
}

/** Describes a value thrown by code of the host, even if it is no error or cannot be converted to text. It never throws. */
export function describeThrown(thrown: unknown): Thrown {
  const name = textIn(thrown, 'name') || 'Error';
  const reason = textIn(thrown, 'message') || (isObject(thrown) ? '' : inspect(thrown));
  // No database stores a NUL, or half of a surrogate pair.
  const code = name.slice(0, MAX_CODE).toWellFormed().replaceAll('\0', '\uFFFD');
  return { code, reason: reason.slice(0, MAX_REASON) || code };
}

/**
 * True for any error. Errors of Node's own modules are no instances of `Error` in Jest, and those of better-sqlite3 are no native
 * errors.
 */
export function isError(thrown: unknown): thrown is Error {
  return thrown instanceof Error || types.isNativeError(thrown);
}

/** Returns the message; Node gives none if a host name has several addresses and none of them answers. */
export function readMessage(error: Error): string {
  if (error.message) return error.message;
  return 'errors' in error && Array.isArray(error.errors) ? error.errors.map(String).join(', ') : '';
}

function textIn(thrown: unknown, key: 'name' | 'message'): string {
  if (typeof thrown === 'string') return key === 'message' ? thrown : '';
  if (!isObject(thrown)) return '';
  try {
    const value: unknown = Reflect.get(thrown, key);
    return typeof value === 'string' ? value : '';
  } catch {
    return '';
  }
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
