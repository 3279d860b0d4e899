import type { Properties } from './activity.js';
import type { ErrorCollector } from './validation-errors.js';
import { parseIsoDate } from './iso-date.js';
import { validateProperties, isObject } from './properties.js';
import { isLongerThan, isStorable } from './text.js';

/** RFC 9562 without version 8, which MariaDB refuses in part, and without the nil UUID. */
export const UUID = /^[\da-f]{8}-[\da-f]{4}-[1-7][\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/i;

/**
 * Reads an object from outside, property by property, and collects errors. `null` and the empty string count as
 * missing.
 */
export class FieldReader {
  private readonly names: string[] = [];

  /** @param prefix is put before the names in errors, such as `activities.3.` */
  constructor(
    private readonly object: object,
    private readonly errors: ErrorCollector,
    private readonly prefix = '',
  ) {}

  /** Returns the value unchanged. */
  raw(name: string): unknown {
    this.names.push(name);
    return Object.hasOwn(this.object, name) ? Reflect.get(this.object, name) : undefined;
  }

  /** Returns the value, or `undefined` if it is missing. */
  value(name: string): unknown {
    const value = this.raw(name);
    return value === null || value === '' ? undefined : value;
  }

  /** @param max characters */
  text(name: string, max: number): string | undefined {
    const value = this.value(name);
    return value === undefined ? undefined : this.checkText(name, value, max);
  }

  /** @returns the UUID in lower case */
  uuid(name: string): string | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    return typeof value === 'string' && UUID.test(value)
      ? value.toLowerCase()
      : this.addError(name, 'must be a UUID');
  }

  /** @returns milliseconds since 1970 */
  time(name: string): number | undefined {
    return this.value(name) === undefined ? undefined : this.requiredTime(name);
  }

  /** @returns milliseconds since 1970 */
  requiredTime(name: string): number | undefined {
    const value = this.value(name);
    const time = typeof value === 'string' ? parseIsoDate(value) : undefined;
    return time ?? this.addError(name, 'must be an ISO 8601 date and time of the years 1970 to 9999');
  }

  properties(name: string): Properties | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    const error = validateProperties(value);
    if (error) return this.addError(name, error);
    return isObject(value) ? value : undefined;
  }

  /** Reads a list of 1 to `max` items. */
  array(name: string, max: number): unknown[] | undefined {
    const value = this.value(name);
    if (Array.isArray(value) && value.length > 0 && value.length <= max) return value;
    return this.addError(name, `must be an array of 1 to ${max} items`);
  }

  /** Adds an error for every property that was not read: its value would be lost. */
  rejectOthers(): void {
    for (const name of Object.keys(this.object))
      if (!this.names.includes(name)) this.addError(name, 'is not known');
  }

  /** @param error completes a sentence that begins with the name */
  addError(name: string, error: string): undefined {
    this.errors.addError(this.prefix + name, `${this.prefix}${name} ${error}`);
  }

  protected checkText(name: string, value: unknown, max: number): string | undefined {
    if (typeof value !== 'string') return this.addError(name, 'must be a string');
    if (isLongerThan(value, max)) return this.addError(name, `must be at most ${max} characters long`);
    if (!isStorable(value)) return this.addError(name, 'must not contain NUL or lone surrogates');
    return value;
  }
}
