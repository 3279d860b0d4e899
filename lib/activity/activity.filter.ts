import { isIP } from 'node:net';
import type { SelectQueryBuilder } from 'typeorm';
import type { ActivityName } from './activities.js';
import type { Activity } from './activity.entity.js';
import { type Dialect, PATH_KEY_LENGTH } from '../database/dialects/dialect.js';
import { storedIp } from './ip-address.js';
import { parseIsoDate, parseIsoDay } from './iso-date.js';
import { storedSubject, type Subject, SUBJECT_FAULT } from './subject.js';
import { cut, isStorable } from './text.js';

/** Milliseconds. */
const DAY = 86_400_000;

/** Which activities. What is not given does not matter; all that is given has to hold. */
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
  /** To what it was done, such as `['order', 17]` or `'order:17'`. */
  subject?: Subject | undefined;
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

type Conditions = {
  [K in keyof Required<ActivityFilter>]: (value: NonNullable<ActivityFilter[K]>) => Condition;
};

interface Condition {
  sql: string;
  parameters: Record<string, unknown>;
}

function equals(column: string, parameter: string): (value: string) => Condition {
  return (value) => ({
    sql: `activity.${column} = :${parameter}`,
    parameters: { [parameter]: checkText(parameter, value) },
  });
}

/** The index holds the minute; the date itself is compared besides. */
function at(
  dialect: Dialect,
  operator: '>=' | '<',
  parameter: 'from' | 'to',
): (value: Date | string) => Condition {
  return (value) => {
    const date = millisecondsOf(parameter, value);
    return {
      sql: `${dialect.dateBesideKey('activity.date')} ${operator} :${parameter} AND ${keyCondition(dialect, operator, parameter)}`,
      parameters: { [parameter]: date, [`${parameter}Key`]: dialect.dateKeyOf(date) },
    };
  };
}

/** For the index of dates: what is beyond a date is in its minute, or beyond it. */
function keyCondition(dialect: Dialect, operator: string, parameter: string): string {
  return `${dialect.dateKey('activity.date')} ${operator[0]}= :${parameter}Key`;
}

function conditionsOf(dialect: Dialect): Conditions {
  return {
    user: equals('userId', 'user'),
    session: equals('sessionId', 'session'),
    visit: equals('visitId', 'visit'),
    route: (value) => pathCondition(new Map([[dialect.binary('activity.route'), Infinity]]), 'route', value),
    name: equals('name', 'name'),
    subject: (value) => ({
      sql: 'activity.subject = :subject',
      parameters: { subject: checkSubject(value) },
    }),
    path: (value) => pathCondition(pathColumns(dialect, 'activity.path'), 'path', value),
    page: (value) => pageCondition(dialect, 'page', value),
    from: at(dialect, '>=', 'from'),
    to: at(dialect, '<', 'to'),
    ip: (value) => ({ sql: 'activity.ipAddress = :ip', parameters: { ip: checkIp(value) } }),
  };
}

/**
 * Adds the filter to the query, whose alias is `activity`.
 * @throws InvalidFilterError for a property that is not known or not understood.
 */
export function applyFilter(
  query: SelectQueryBuilder<Activity>,
  filter: ActivityFilter,
  dialect: Dialect,
): void {
  const conditions: Record<string, unknown> = { ...conditionsOf(dialect) };
  for (const [property, value] of Object.entries(filter)) {
    const condition = Object.hasOwn(conditions, property) ? conditions[property] : undefined;
    if (typeof condition !== 'function') {
      throw new InvalidFilterError(property, `is not known; allowed: ${Object.keys(conditions).join(', ')}`);
    }
    if (value === undefined) continue;
    const { sql, parameters }: Condition = condition(value);
    query.andWhere(sql, parameters);
  }
}

/** The order of activities: by date, then id, as an index has it. */
export function placeOf(dialect: Dialect): Set<string> {
  return new Set([dialect.dateKey('activity.date'), 'activity.date', dialect.idOrder('activity.id')]);
}

/** What stands beyond a row in the order of the page: pages stay whole while rows arrive. */
export function applyAfter(
  query: SelectQueryBuilder<Activity>,
  { date, id }: { date: number; id: string },
  order: 'ASC' | 'DESC',
  dialect: Dialect,
): void {
  const beyond = order === 'ASC' ? '>' : '<';
  const column = dialect.dateBesideKey('activity.date');
  query.andWhere(keyCondition(dialect, beyond, 'after'), { afterKey: dialect.dateKeyOf(date) });
  query.andWhere(
    `(${column} ${beyond} :afterDate OR (${column} = :afterDate AND ${dialect.idOrder('activity.id')} ${beyond} :afterId))`,
    { afterDate: date, afterId: id },
  );
}

/**
 * The path itself, and its beginning where the index holds no more. The path goes first: where the index is not used,
 * most others are ruled out by it before PostgreSQL takes their beginning, which takes longer.
 */
export function pathColumns(dialect: Dialect, column: string): Map<string, number> {
  const [whole, key] = [dialect.binary(column), dialect.pathKey(column)];
  const columns = new Map([[whole, Number.POSITIVE_INFINITY]]);
  if (key !== whole) columns.set(key, PATH_KEY_LENGTH);
  return columns;
}

/**
 * A whole path, or with a trailing `*` the beginning of paths.
 * @param columns the SQL of each, and how many of the path's first characters it holds
 * @throws InvalidFilterError
 */
export function pathCondition(columns: Map<string, number>, parameter: string, path: string): Condition {
  const isPrefix = checkText(parameter, path).endsWith('*');
  const text = isPrefix ? path.slice(0, -1) : path;
  const parameters: Condition['parameters'] = {};
  const sql = [...columns].flatMap(([column, length], i) => {
    const value = cut(text, length);
    parameters[`${parameter}${i}`] = value;
    if (!isPrefix) return `${column} = :${parameter}${i}`;
    const end = successor(value);
    if (end === undefined) return `${column} >= :${parameter}${i}`;
    parameters[`${parameter}End${i}`] = end;
    return [`${column} >= :${parameter}${i}`, `${column} < :${parameter}End${i}`];
  });
  return { sql: sql.join(' AND '), parameters };
}

/**
 * The SQL of an activity being on a page, or with a trailing `*` on one that begins so; alias `activity`. It uses the index
 * of paths and the one of other pages; the expression `COALESCE(activity.page, activity.path)` has no index.
 * @throws InvalidFilterError
 */
export function pageCondition(dialect: Dialect, parameter: string, page: string): Condition {
  const own = pathCondition(pathColumns(dialect, 'activity.path'), parameter, page);
  const other = pathCondition(pathColumns(dialect, 'activity.page'), parameter, page);
  return { ...own, sql: `((activity.page IS NULL AND ${own.sql}) OR (${other.sql}))` };
}

/** The first text, by code points, after all that begin with the prefix; `undefined` where there is none. */
export function successor(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  // Surrogates are no characters.
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
}

export function checkText(property: string, value: unknown): string {
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

function checkSubject(value: unknown): string {
  const subject = storedSubject(value);
  if (subject === undefined) throw new InvalidFilterError('subject', SUBJECT_FAULT);
  return subject;
}

function checkIp(value: unknown): string {
  if (typeof value !== 'string' || !isIP(value)) throw new InvalidFilterError('ip', 'must be an IP address');
  return storedIp(value) ?? value;
}
