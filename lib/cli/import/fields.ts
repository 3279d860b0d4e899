import { FieldReader } from '../../activity/field-reader.js';
import { deriveActivityId } from './ids.js';

const ANY_UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
const NIL = '00000000-0000-0000-0000-000000000000';
/** UUIDs whose version and variant MariaDB rejects. */
const REFUSED_BY_MARIADB = /^.{14}[89a-f].{4}[0-7]/i;

/** Reads the fields of an imported row. An optional text that is empty is `null`, as in CSV. */
export class RowFields extends FieldReader {
  /** Whether the field exists, also if it is `null`. */
  has(name: string): boolean {
    return this.raw(name) !== undefined;
  }

  /** @param max characters */
  override text(name: string, max: number): string {
    return this.checkText(name, this.raw(name), max) ?? '';
  }

  /** Returns `null` for a missing or empty field, and for an invalid one, which is reported. */
  optionalText(name: string, max: number): string | null {
    return super.text(name, max) ?? null;
  }

  /** Reads any UUID. One that MariaDB cannot store is replaced by another, the same at each import. */
  optionalUuid(name: string): string | undefined {
    const value = this.raw(name) ?? null;
    if (value === null) return undefined;
    if (typeof value !== 'string' || !ANY_UUID.test(value)) return this.addError(name, 'must be a UUID');
    if (value === NIL) return this.addError(name, 'must not be the nil UUID');
    return REFUSED_BY_MARIADB.test(value) ? deriveActivityId([value.toLowerCase()]) : value.toLowerCase();
  }

  date(name: string): Date {
    return new Date(this.requiredTime(name) ?? 0);
  }

  /** Missing is the same as `null`. */
  optionalFlag(name: string): boolean | null {
    return (this.value(name) ?? null) === null ? null : this.flag(name);
  }

  flag(name: string): boolean {
    const value = this.raw(name);
    if (typeof value !== 'boolean') this.addError(name, 'must be true or false');
    return value === true;
  }
}
