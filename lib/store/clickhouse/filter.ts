import type { ParsedFilter, ParsedScope } from '../../activity/activity.filter.js';
import type { Cursor } from '../../activity/cursor.js';
import { ID_ORDER, integer, text } from './sql.js';

/** The page of an activity: the column has none if it is the path. */
export const PAGE = 'ifNull(page, path)';

/** The conditions of a filter on the table of activities. */
export function conditionsOf(filter: ParsedFilter): string[] {
  const { user, session, visit, route, name, subject, group, path, page, from, to, ip, scope = [] } = filter;
  return [
    ...(from === undefined ? [] : [`date >= ${integer(from)}`]),
    ...(to === undefined ? [] : [`date < ${integer(to)}`]),
    ...(user === undefined ? [] : [`userId = ${text(user)}`]),
    ...(session === undefined ? [] : [`sessionId = ${text(session)}`]),
    ...(visit === undefined ? [] : [`visitId = ${text(visit)}`]),
    ...(name === undefined ? [] : [`name = ${text(name)}`]),
    ...(subject === undefined ? [] : [`subject = ${text(subject)}`]),
    ...(group === undefined ? [] : [`groupId = ${text(group)}`]),
    ...(ip === undefined ? [] : [`ipAddress = ${text(ip)}`]),
    ...(route === undefined ? [] : [matches('route', route)]),
    ...(path === undefined ? [] : [matches('path', path)]),
    ...(page === undefined ? [] : [matches(PAGE, page)]),
    ...scopeConditions(scope),
  ];
}

/** What a scope requires of an activity. */
export function scopeConditions(scope: readonly ParsedScope[]): string[] {
  return scope.flatMap(({ filter, properties }) => [
    ...conditionsOf(filter),
    ...Array.from(properties, ([key, value]) => `${propertySql(key)} = ${text(value)}`),
  ]);
}

/** A whole text, or with a trailing `*` the beginning of texts. */
export function matches(column: string, asked: string): string {
  return asked.endsWith('*')
    ? `startsWith(${column}, ${text(asked.slice(0, -1))})`
    : `${column} = ${text(asked)}`;
}

/** What is beyond a place in the order of date, then id. */
export function beyond({ date, id }: Cursor, order: 'asc' | 'desc'): string {
  const sign = order === 'asc' ? '>' : '<';
  const instant = integer(date);
  return `date ${sign}= ${instant} AND (date ${sign} ${instant} OR ${ID_ORDER} ${sign} toUInt128(toUUID(${text(id)})))`;
}

/** A property as text if it is a text, a number or a truth value; else `NULL`. */
export function propertySql(key: string): string {
  const type = `JSONType(ifNull(properties, ''), ${text(key)})`;
  return `multiIf(${type} = 'String', JSONExtractString(ifNull(properties, ''), ${text(key)}),
    ${type} IN ('Int64', 'UInt64', 'Double', 'Bool'), JSONExtractRaw(ifNull(properties, ''), ${text(key)}), NULL)`;
}
