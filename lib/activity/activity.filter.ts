import { isIP } from 'node:net';
import type { ActivityName } from './activities.js';
import { storedIp } from './ip-address.js';
import { parseIsoDate, parseIsoDay } from './iso-date.js';
import { storedSubject, type Subject, SUBJECT_FAULT } from './subject.js';
import { isStorable } from './text.js';

/** Milliseconds. */
const DAY = 86_400_000;

/** Selects activities that match all given properties. */
export interface ActivityFilter {
  /** The host's id of the user. */
  user?: string | undefined;
  session?: string | undefined;
  visit?: string | undefined;
  /** A whole path, or with a trailing `*` the beginning of paths. */
  path?: string | undefined;
  /** A whole page, as statistics count it, or with a trailing `*` the beginning of pages. */
  page?: string | undefined;
  /** The pattern of a route, such as `/orders/:id/pay`, or with a trailing `*` the beginning of patterns. */
  route?: string | undefined;
  name?: ActivityName | undefined;
  /** The object of the activity, such as `['order', 17]` or `'order:17'`. */
  subject?: Subject | undefined;
  /** The group, such as `['company', 17]` or `'company:17'`. */
  group?: Subject | undefined;
  /** Inclusive. A text is ISO 8601, without an offset UTC; a date alone, such as `2026-11-01`, is the start of that day. */
  from?: Date | string | undefined;
  /** Exclusive. A date alone is the end of that day. */
  to?: Date | string | undefined;
  ip?: string | undefined;
}

/** A filter, or a page asked for, that cannot be understood. */
export class InvalidFilterError extends Error {
  constructor(
    readonly property: string,
    fault: string,
  ) {
    super(`${property} ${fault}`);
    this.name = 'InvalidFilterError';
  }
}

/** A filter that is checked: dates are milliseconds since 1970, and the address is written as it is stored. */
export type ParsedFilter = {
  [K in keyof ActivityFilter]?: (K extends 'from' | 'to' ? number : string) | undefined;
} & {
  /** What else has to hold, whatever the filter is. */
  scope?: readonly ParsedScope[];
};

/** An `ActivityScope` that is checked. */
export interface ParsedScope {
  filter: Omit<ParsedFilter, 'scope'>;
  /** By key. */
  properties: Map<string, string>;
}

/** How each property is checked. */
const PARSERS = {
  user: (value: unknown) => checkText('user', value),
  session: (value: unknown) => checkText('session', value),
  visit: (value: unknown) => checkText('visit', value),
  route: (value: unknown) => checkText('route', value),
  name: (value: unknown) => checkText('name', value),
  subject: (value: unknown) => checkSubject('subject', value),
  group: (value: unknown) => checkSubject('group', value),
  path: (value: unknown) => checkText('path', value),
  page: (value: unknown) => checkText('page', value),
  from: (value: unknown) => millisecondsOf('from', value),
  to: (value: unknown) => millisecondsOf('to', value),
  ip: checkIp,
} satisfies Record<keyof ActivityFilter, (value: unknown) => string | number>;

/** @throws InvalidFilterError for a property that is not known or not understood */
export function parseFilter(filter: ActivityFilter): ParsedFilter {
  const parsed: Record<string, string | number> = {};
  for (const [property, value] of Object.entries(filter)) {
    if (!isKnown(property))
      throw new InvalidFilterError(property, `is not known; allowed: ${Object.keys(PARSERS).join(', ')}`);
    if (value !== undefined) parsed[property] = PARSERS[property](value);
  }
  return parsed;
}

function isKnown(property: string): property is keyof typeof PARSERS {
  return Object.hasOwn(PARSERS, property);
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
 * @param startOfDay when a day begins in the time zone asked for, by when it begins in UTC; default UTC
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
