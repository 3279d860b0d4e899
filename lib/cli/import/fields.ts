import type { Checker } from '../../activity/check.js';
import { parseIsoDate } from '../../activity/iso-date.js';
import { isLongerThan, isStorable } from '../../activity/text.js';
import { activityIdOf } from './ids.js';

const ANY_UUID = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
const NIL = '00000000-0000-0000-0000-000000000000';
/** Of its version and its variant: no RFC has such UUIDs, but half of all texts of their form are none of an RFC's. */
const REFUSED_BY_MARIADB = /^.{14}[89a-f].{4}[0-7]/i;

/** Reads the properties of an object that may hold anything, and blames what a table cannot hold. */
export class Fields {
  private readonly known = new Set<string>();

  /** @param prefix stands before the names, such as `session.` */
  constructor(
    private readonly object: object,
    private readonly checker: Checker,
    private readonly prefix = '',
  ) {}

  value(name: string): unknown {
    this.known.add(name);
    return Object.hasOwn(this.object, name) ? Reflect.get(this.object, name) : undefined;
  }

  /** @param characters at most */
  text(name: string, characters: number): string {
    const text = this.optionalText(name, characters);
    if (text === null) this.blame(name, 'must be a string');
    return text ?? '';
  }

  /** Missing is the same as `null`. */
  optionalText(name: string, characters: number): string | null {
    const value = this.value(name) ?? null;
    if (value === null) return null;
    if (typeof value !== 'string') this.blame(name, 'must be a string');
    else if (isLongerThan(value, characters))
      this.blame(name, `must be at most ${characters} characters long`);
    else if (!isStorable(value)) this.blame(name, 'must not contain NUL or lone surrogates');
    else return value;
    return '';
  }

  /** Any UUID; one that MariaDB cannot store becomes another, the same at each import. Missing is the same as `null`. */
  optionalUuid(name: string): string | undefined {
    const value = this.value(name) ?? null;
    if (value === null) return undefined;
    if (typeof value !== 'string' || !ANY_UUID.test(value)) this.blame(name, 'must be a UUID');
    else if (value.startsWith(NIL)) this.blame(name, 'must not be the nil UUID');
    else return REFUSED_BY_MARIADB.test(value) ? activityIdOf([value.toLowerCase()]) : value.toLowerCase();
    return undefined;
  }

  /** Whether it is given; `null` is. */
  has(name: string): boolean {
    return Object.hasOwn(this.object, name) && Reflect.get(this.object, name) !== undefined;
  }

  date(name: string): Date {
    const value = this.value(name);
    const time = typeof value === 'string' ? parseIsoDate(value) : undefined;
    if (time === undefined) this.blame(name, 'must be an ISO 8601 date and time of the years 1970 to 9999');
    return new Date(time ?? 0);
  }

  flag(name: string): boolean {
    const value = this.value(name);
    if (typeof value !== 'boolean') this.blame(name, 'must be true or false');
    return value === true;
  }

  blame(name: string, fault: string): void {
    this.checker.blame(this.prefix + name, `${this.prefix}${name} ${fault}`);
  }

  /** Blames what nobody has asked for: it would be lost. */
  end(): void {
    for (const name of Object.keys(this.object)) if (!this.known.has(name)) this.blame(name, 'is not known');
  }
}
