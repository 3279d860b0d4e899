import { isIP } from 'node:net';
import type { ActivityName } from './activities.js';
import {
  type Matching,
  matchesNone,
  type ParsedCondition,
  parseMatching,
  parseProperty,
  type PropertyFilters,
} from './condition.js';
import { InvalidFilterError } from './invalid-filter.error.js';
import { storedIp } from './ip-address.js';
import { parseIsoDate, parseIsoDay } from './iso-date.js';
import { storedSubject, type Subject, SUBJECT_FAULT } from './subject.js';
import { isObject } from './properties.js';
import { isStorable } from './text.js';
import { DAY } from '../time/units.js';

export { InvalidFilterError };

/**
 * Keys of the filter `properties`. SQLite allows 1,000 levels in an expression, and a funnel may have ten such filters; each
 * key may have several conditions.
 */
export const MAX_FILTER_PROPERTIES = 20;

/** Selects activities that match all given properties: each a value, several values, or conditions. */
export interface ActivityFilter {
  /** The host's id of the user. */
  user?: Matching<string> | undefined;
  session?: Matching<string> | undefined;
  visit?: Matching<string> | undefined;
  /** A whole path, or with a trailing `*` the beginning of paths. */
  path?: Matching<string> | undefined;
  /** A whole page, as statistics count it, or with a trailing `*` the beginning of pages. */
  page?: Matching<string> | undefined;
  /** The pattern of a route, such as `/orders/:id/pay`, or with a trailing `*` the beginning of patterns. */
  route?: Matching<string> | undefined;
  name?: Matching<ActivityName> | undefined;
  /** The object of the activity, such as `['order', 17]` or `'order:17'`; several are `['order:17', 'order:18']`. */
  subject?: Subject | Matching<Subject> | undefined;
  /** The group, such as `['company', 17]` or `'company:17'`; several are `['company:17', 'company:18']`. */
  group?: Subject | Matching<Subject> | undefined;
  /** Values of properties by key, at most 20. */
  properties?: PropertyFilters | undefined;
  /** Inclusive. A text is ISO 8601, without an offset UTC; a date alone, such as `2026-11-01`, is the start of that day. */
  from?: Date | string | undefined;
  /** Exclusive. A date alone is the end of that day. */
  to?: Date | string | undefined;
  ip?: Matching<string> | undefined;
}

/** The fields of an activity that a filter compares. */
export type ActivityField = Exclude<keyof ActivityFilter, 'from' | 'to'>;
/** The fields that are compared as texts. */
export type TextField = Exclude<ActivityField, 'properties'>;

/** A parsed filter: dates are milliseconds since 1970, and the address is in its stored form. */
export type ParsedFilter = {
  [K in TextField]?: string | undefined;
} & {
  from?: number | undefined;
  to?: number | undefined;
  /** Conditions other than equality with one value, and all conditions on properties. */
  conditions?: readonly ParsedCondition<ActivityField>[] | undefined;
  /** The scope, which applies in addition to any filter. */
  scope?: readonly ParsedScope[];
};

/** A parsed `ActivityScope`. */
export interface ParsedScope {
  filter: Omit<ParsedFilter, 'scope'>;
  /** By key. */
  properties: Map<string, string>;
}

/** Parses one value of each field. */
const FIELDS = {
  user: (value: unknown) => checkText('user', value),
  session: (value: unknown) => checkText('session', value),
  visit: (value: unknown) => checkText('visit', value),
  route: (value: unknown) => checkText('route', value),
  name: (value: unknown) => checkText('name', value),
  subject: (value: unknown) => checkSubject('subject', value),
  group: (value: unknown) => checkSubject('group', value),
  path: (value: unknown) => checkText('path', value),
  page: (value: unknown) => checkText('page', value),
  ip: checkIp,
} satisfies Record<TextField, (value: unknown) => string>;

export const TEXT_FIELDS: readonly TextField[] = Object.keys(FIELDS).filter(isTextField);
/** The names of {@link ActivityField}s. */
export const ACTIVITY_FIELDS: readonly string[] = [...TEXT_FIELDS, 'properties'];
const ALLOWED = [...ACTIVITY_FIELDS, 'from', 'to'];

/** @throws InvalidFilterError for a property that is not known or not understood */
export function parseFilter(filter: Partial<Record<keyof ActivityFilter, unknown>>): ParsedFilter {
  const parsed: ParsedFilter = {};
  const conditions: ParsedCondition<ActivityField>[] = [];
  for (const [property, value] of Object.entries(filter)) {
    if (!ALLOWED.includes(property))
      throw new InvalidFilterError(property, `is not known; allowed: ${ALLOWED.join(', ')}`);
    if (value === undefined) continue;
    if (property === 'from' || property === 'to') parsed[property] = millisecondsOf(property, value);
    else if (property === 'properties') conditions.push(...parsePropertyFilters(value));
    else if (isTextField(property)) {
      const found = parseField(property, value);
      if (typeof found === 'string') parsed[property] = found;
      else conditions.push(found);
    }
  }
  return conditions.length > 0 ? { ...parsed, conditions } : parsed;
}

function isTextField(property: string): property is TextField {
  return Object.hasOwn(FIELDS, property);
}

function parseField<F extends TextField>(field: F, value: unknown): string | ParsedCondition<F> {
  // A pair of type and id is one subject, not a list of values.
  if ((field === 'subject' || field === 'group') && storedSubject(value) !== undefined)
    return checkSubject(field, value);
  return parseMatching(field, value, FIELDS[field]);
}

/** @throws InvalidFilterError */
export function parsePropertyFilters(properties: unknown): ParsedCondition<'properties'>[] {
  if (!isObject(properties))
    throw new InvalidFilterError('properties', 'must be an object of values, lists of values, or conditions');
  const entries = Object.entries(properties);
  if (entries.length > MAX_FILTER_PROPERTIES)
    throw new InvalidFilterError('properties', `must have at most ${MAX_FILTER_PROPERTIES} keys`);
  return entries.map(([key, value]) => parseProperty(checkText('properties', key), value));
}

/** Splits a filter into its conditions on the user and the others. Returns `undefined` if it selects no users. */
export function splitByUser(filter: ParsedFilter): Record<'ofUser' | 'others', ParsedFilter> | undefined {
  const { user, conditions = [], scope, ...others } = filter;
  const ofUser = conditions.filter(({ field }) => field === 'user');
  // A filter such as `{ user: { not: '17' } }` already matches anonymous activities.
  if (user === undefined && ofUser.every(matchesNone)) return undefined;
  const scoped = scope && { scope };
  return {
    ofUser: { user, conditions: ofUser, ...scoped },
    others: { ...others, conditions: conditions.filter(({ field }) => field !== 'user'), ...scoped },
  };
}

/** Returns whether the user of an activity decides if it matches. */
export function dependsOnUser({ user, conditions = [], scope = [] }: ParsedFilter): boolean {
  return (
    user !== undefined ||
    conditions.some(({ field }) => field === 'user') ||
    scope.some(({ filter }) => dependsOnUser(filter))
  );
}

export function checkText(property: string, value: unknown): string {
  if (typeof value === 'number') throw new InvalidFilterError(property, `must be a text, such as '${value}'`);
  if (typeof value !== 'string' || value === '')
    throw new InvalidFilterError(property, 'must be a text that is not empty');
  return checkStorable(property, value);
}

/** @throws InvalidFilterError for a text that no database can store, and that PostgreSQL does not even compare with */
export function checkStorable(property: string, text: string): string {
  if (!isStorable(text)) throw new InvalidFilterError(property, 'must not contain NUL or lone surrogates');
  return text;
}

/**
 * Reads one end of a range. A date alone is the start of that day as `from`, and its end as `to`.
 * @param startOfDay returns the start of a day in the requested time zone from its start in UTC; default UTC
 * @param property the name for the error
 * @returns milliseconds since 1970
 * @throws InvalidFilterError
 */
export function millisecondsOf(
  end: 'from' | 'to',
  value: unknown,
  startOfDay: (utc: number) => number = (utc) => utc,
  property: string = end,
): number {
  const day = typeof value === 'string' ? parseIsoDay(value) : undefined;
  if (day !== undefined) return startOfDay(end === 'to' ? day + DAY : day);
  const milliseconds = value instanceof Date ? value.getTime() : parseIsoDate(String(value));
  if (milliseconds === undefined || Number.isNaN(milliseconds)) {
    throw new InvalidFilterError(
      property,
      'must be a Date, an ISO 8601 date and time, or a date such as 2026-11-01',
    );
  }
  return milliseconds;
}

function checkSubject(property: 'subject' | 'group', value: unknown): string {
  const stored = storedSubject(value);
  if (stored === undefined) throw new InvalidFilterError(property, SUBJECT_FAULT);
  return stored;
}

function checkIp(value: unknown): string {
  if (typeof value !== 'string' || !isIP(value)) throw new InvalidFilterError('ip', 'must be an IP address');
  return storedIp(value) ?? value;
}
