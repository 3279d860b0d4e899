import type { SelectQueryBuilder } from 'typeorm';
import type { Activity } from '../../activity/activity.js';
import type { ParsedFilter, ParsedScope } from '../../activity/activity.filter.js';
import type { Cursor } from '../../activity/cursor.js';
import { truncate } from '../../activity/text.js';
import { type Dialect, PATH_KEY_LENGTH } from '../../database/dialects/dialect.js';

export interface Condition {
  sql: string;
  parameters: Record<string, unknown>;
}

/** Adds the filter to the query, whose alias is `activity`. */
export function applyFilter(
  query: SelectQueryBuilder<Activity>,
  { scope = [], ...filter }: ParsedFilter,
  dialect: Dialect,
): void {
  for (const { sql, parameters } of [...conditionsOf(filter, dialect), ...scopeConditions(scope, dialect)])
    query.andWhere(sql, parameters);
}

/** What a scope requires of an activity; alias `activity`. */
export function scopeConditions(scope: readonly ParsedScope[], dialect: Dialect): Condition[] {
  return scope.flatMap(({ filter, properties }, n) => [
    ...conditionsOf(filter, dialect, `scope${n}_`),
    ...[...properties].map(([key, value], i) => propertyCondition(dialect, `scope${n}_${i}`, key, value)),
  ]);
}

/** An activity's property has a value; alias `activity`. */
export function propertyCondition(
  dialect: Dialect,
  parameter: string,
  key: string,
  value: string,
): Condition {
  const property = dialect.property('activity.properties', `:${parameter}Key`);
  return {
    sql: `activity.properties IS NOT NULL AND ${property} = :${parameter}Value`,
    parameters: { [`${parameter}Key`]: key, [`${parameter}Value`]: value },
  };
}

/** @param prefix of the names of the parameters */
function conditionsOf(
  {
    user,
    session,
    visit,
    route,
    name,
    subject,
    group,
    path,
    page,
    from,
    to,
    ip,
  }: Omit<ParsedFilter, 'scope'>,
  dialect: Dialect,
  prefix = '',
): Condition[] {
  const equal = (column: string, parameter: string, value: string | undefined): Condition | false =>
    value !== undefined && {
      sql: `activity.${column} = :${prefix}${parameter}`,
      parameters: { [prefix + parameter]: value },
    };
  const conditions = [
    equal('userId', 'user', user),
    equal('sessionId', 'session', session),
    equal('visitId', 'visit', visit),
    equal('name', 'name', name),
    equal('subject', 'subject', subject),
    equal('groupId', 'group', group),
    equal('ipAddress', 'ip', ip),
    route !== undefined &&
      pathCondition(new Map([[dialect.binary('activity.route'), Infinity]]), `${prefix}route`, route),
    path !== undefined && pathCondition(pathColumns(dialect, 'activity.path'), `${prefix}path`, path),
    page !== undefined && pageCondition(dialect, `${prefix}page`, page),
    from !== undefined && { sql: 'activity.date >= :from', parameters: { from } },
    to !== undefined && { sql: 'activity.date < :to', parameters: { to } },
  ];
  return conditions.filter((condition) => condition !== false);
}

/** The order of activities: by date, then id. */
export function sortColumns(dialect: Dialect): string[] {
  return ['activity.date', dialect.idOrder('activity.id')];
}

/** Selects the rows after a row in the order of the page, so that pages are stable while rows arrive. */
export function applyAfter(
  query: SelectQueryBuilder<Activity>,
  { date, id }: Cursor,
  order: 'ASC' | 'DESC',
  dialect: Dialect,
): void {
  const beyond = order === 'ASC' ? '>' : '<';
  // The date stands alone for its index. PostgreSQL would take another range of the same column for independent of it.
  query.andWhere(
    `activity.date ${beyond}= :afterDate AND (activity.date <> :afterDate OR ${dialect.idOrder('activity.id')} ${beyond} :afterId)`,
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
 */
export function pathCondition(columns: Map<string, number>, parameter: string, path: string): Condition {
  const isPrefix = path.endsWith('*');
  const text = isPrefix ? path.slice(0, -1) : path;
  const parameters: Condition['parameters'] = {};
  const sql = [...columns].flatMap(([column, length], i) => {
    const value = truncate(text, length);
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
 */
export function pageCondition(dialect: Dialect, parameter: string, page: string): Condition {
  const own = pathCondition(pathColumns(dialect, 'activity.path'), parameter, page);
  const other = pathCondition(pathColumns(dialect, 'activity.page'), parameter, page);
  return { ...own, sql: `((activity.page IS NULL AND ${own.sql}) OR (${other.sql}))` };
}

/** The first text, by code points, after all that begin with the prefix; `undefined` if there is none. */
export function successor(prefix: string): string | undefined {
  const points = Array.from(prefix, (character) => character.codePointAt(0) ?? 0);
  while (points.at(-1) === 0x10ffff) points.pop();
  const last = points.pop();
  if (last === undefined) return undefined;
  // Surrogates are no characters.
  return String.fromCodePoint(...points, last === 0xd7ff ? 0xe000 : last + 1);
}
