import {
  type ActivityField,
  type ParsedFilter,
  type ParsedScope,
  TEXT_FIELDS,
  type TextField,
} from '../../activity/activity.filter.js';
import type { ParsedCondition } from '../../activity/condition.js';
import type { Cursor } from '../../activity/pagination.js';
import { all, double, ID_ORDER, integer, text, texts } from './sql.js';

/** The page of an activity; the column `page` is NULL if the page equals the path. */
export const PAGE = 'pageOrPath';

/** The conditions of a filter on the table of activities. */
export function buildConditions(filter: ParsedFilter): string[] {
  const { from, to, conditions = [], scope = [] } = filter;
  return [
    ...(from === undefined ? [] : [`date >= ${integer(from)}`]),
    ...(to === undefined ? [] : [`date < ${integer(to)}`]),
    ...TEXT_FIELDS.flatMap((field) => {
      const value = filter[field];
      if (value === undefined) return [];
      const column = COLUMNS[field];
      return PATH_FIELDS.includes(field) ? wildcardCondition(column, value) : `${column} = ${text(value)}`;
    }),
    ...conditions.map(activityCondition),
    ...scopeConditions(scope),
  ];
}

const COLUMNS: Record<TextField, string> = {
  user: 'userId',
  session: 'sessionId',
  visit: 'visitId',
  name: 'name',
  subject: 'subject',
  group: 'groupId',
  ip: 'ipAddress',
  route: 'route',
  path: 'path',
  page: PAGE,
};
const PATH_FIELDS: readonly string[] = ['path', 'page', 'route', 'entry', 'exit'];

/** Returns the SQL of a condition on an activity. */
function activityCondition(condition: ParsedCondition<ActivityField>): string {
  const { field, key = '', gte, lte } = condition;
  // A visit is the empty text if there is none.
  if (field === 'visit') return valueCondition(condition, `nullIf(visitId, '')`);
  if (field !== 'properties') return valueCondition(condition, COLUMNS[field]);
  return all([
    valueCondition(condition, propertySql(key)),
    ...(gte === undefined ? [] : [`${numberSql(key)} >= ${double(gte)}`]),
    ...(lte === undefined ? [] : [`${numberSql(key)} <= ${double(lte)}`]),
  ]);
}

/** Returns the SQL of a condition on a text. */
export function valueCondition(
  { field, anyOf, noneOf, startsWith }: ParsedCondition,
  column: string,
): string {
  const anyOfSql = (values: readonly (string | null)[]): string => {
    const known = values.filter((value) => value !== null);
    const alternatives = values.includes(null) ? [`(${column}) IS NULL`] : [];
    if (PATH_FIELDS.includes(field))
      alternatives.push(...known.map((value) => wildcardCondition(column, value)));
    else if (known.length > 0) alternatives.push(`${column} IN ${texts(known)}`);
    return alternatives.map((sql) => `(${sql})`).join(' OR ');
  };
  return all([
    ...(anyOf ? [anyOfSql(anyOf)] : []),
    ...(noneOf ? [`NOT ifNull(${anyOfSql(noneOf)}, false)`] : []),
    ...(startsWith === undefined ? [] : [`startsWith(${column}, ${text(startsWith)})`]),
  ]);
}

/** Returns the SQL of a scope. */
export function scopeConditions(scope: readonly ParsedScope[]): string[] {
  return scope.flatMap(({ filter, properties }) => [
    ...buildConditions(filter),
    ...Array.from(properties, ([key, value]) => `${propertySql(key)} = ${text(value)}`),
  ]);
}

/** A whole text, or with a trailing `*` the beginning of texts. */
export function wildcardCondition(column: string, asked: string): string {
  return asked.endsWith('*')
    ? `startsWith(${column}, ${text(asked.slice(0, -1))})`
    : `${column} = ${text(asked)}`;
}

/** Returns the SQL that selects the activities after a cursor, ordered by date, then id. */
export function conditionAfter({ date, id }: Cursor, order: 'asc' | 'desc'): string {
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

/** A property in double precision if it is a number; else `NULL`. */
export function numberSql(key: string): string {
  const properties = `ifNull(properties, ''), ${text(key)}`;
  return `if(JSONType(${properties}) IN ('Int64', 'UInt64', 'Double'), JSONExtractFloat(${properties}), NULL)`;
}
