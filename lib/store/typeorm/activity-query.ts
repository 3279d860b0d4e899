import type { SelectQueryBuilder, ObjectLiteral } from 'typeorm';
import type { Activity } from '../../activity/activity.js';
import type { ActivityField, ParsedFilter, ParsedScope } from '../../activity/activity.filter.js';
import { matchesNone, type ParsedCondition } from '../../activity/condition.js';
import type { Cursor } from '../../activity/pagination.js';
import { truncate } from '../../activity/text.js';
import { type Dialect, PATH_KEY_LENGTH } from '../../database/dialects/dialect.js';
import { Session } from '../../activity/session.js';

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
  for (const { sql, parameters } of [...buildConditions(filter, dialect), ...scopeConditions(scope, dialect)])
    query.andWhere(sql, parameters);
}

/** Returns the SQL of a scope; the alias is `activity`. */
export function scopeConditions(scope: readonly ParsedScope[], dialect: Dialect): Condition[] {
  return scope.flatMap(({ filter, properties }, n) => [
    ...buildConditions(filter, dialect, `scope${n}_`),
    ...[...properties].map(([key, value], i) =>
      propertySql(dialect, `scope${n}_${i}`, { field: 'properties', key, anyOf: [value] }),
    ),
  ]);
}

/** @param prefix of the names of the parameters */
function buildConditions(
  { from, to, conditions = [], ...texts }: Omit<ParsedFilter, 'scope'>,
  dialect: Dialect,
  prefix = '',
): Condition[] {
  const given = Object.entries(texts).flatMap(([field, value]): ParsedCondition<ActivityField>[] =>
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- all other properties are fields
    value === undefined ? [] : [{ field: field as ActivityField, anyOf: [value] }],
  );
  return [
    ...[...given, ...conditions].map((condition, i) =>
      activityCondition(dialect, `${prefix}${condition.field}${i}`, condition),
    ),
    ...(from === undefined ? [] : [{ sql: 'activity.date >= :from', parameters: { from } }]),
    ...(to === undefined ? [] : [{ sql: 'activity.date < :to', parameters: { to } }]),
  ];
}

/** The SQL of the page of an activity; alias `activity`. */
export const PAGE = 'COALESCE(activity.page, activity.path)';

const COLUMNS = {
  user: 'userId',
  session: 'sessionId',
  visit: 'visitId',
  name: 'name',
  subject: 'subject',
  group: 'groupId',
  ip: 'ipAddress',
} as const;

/** Returns the SQL of a condition on an activity; the alias is `activity`. */
export function activityCondition(
  dialect: Dialect,
  parameter: string,
  condition: ParsedCondition<ActivityField>,
): Condition {
  const { field } = condition;
  switch (field) {
    case 'properties':
      return propertySql(dialect, parameter, condition);
    case 'path':
      return valueCondition(dialect, parameter, condition, 'activity.path', (name, path) =>
        pathCondition(pathColumns(dialect, 'activity.path'), name, path),
      );
    case 'page':
      return valueCondition(dialect, parameter, condition, PAGE, (name, page) =>
        pageCondition(dialect, name, page),
      );
    case 'route':
      return valueCondition(dialect, parameter, condition, 'activity.route', (name, route) =>
        pathCondition(new Map([[dialect.binary('activity.route'), Infinity]]), name, route),
      );
    default:
      return valueCondition(dialect, parameter, condition, `activity.${COLUMNS[field]}`);
  }
}

/**
 * Returns the SQL of a condition on a text.
 * @param column the SQL of the text
 * @param matches returns the SQL for one value, if that is not equality
 */
export function valueCondition(
  dialect: Dialect,
  parameter: string,
  { anyOf, noneOf, startsWith }: ParsedCondition,
  column: string,
  matches?: (parameter: string, value: string) => Condition,
): Condition {
  const parameters: Condition['parameters'] = {};
  const anyOfSql = (name: string, values: readonly (string | null)[]): string => {
    const texts = values.filter((value) => value !== null);
    const alternatives = values.includes(null) ? [`${column} IS NULL`] : [];
    if (matches) {
      for (const [i, value] of texts.entries()) {
        const { sql, parameters: own } = matches(`${name}_${i}`, value);
        alternatives.push(`(${sql})`);
        Object.assign(parameters, own);
      }
    } else if (texts.length === 1) {
      alternatives.push(`${column} = :${name}`);
      [parameters[name]] = texts;
    } else if (texts.length > 1) {
      alternatives.push(`${column} IN (:...${name})`);
      parameters[name] = texts;
    }
    return alternatives.length === 1 ? `${alternatives[0]}` : `(${alternatives.join(' OR ')})`;
  };
  const all = [
    ...(anyOf ? [anyOfSql(parameter, anyOf)] : []),
    ...(noneOf ? [`(${anyOfSql(`${parameter}Not`, noneOf)}) IS NOT TRUE`] : []),
  ];
  if (startsWith !== undefined) {
    const start = beginsWith(new Map([[dialect.binary(column), Infinity]]), `${parameter}Start`, startsWith);
    all.push(start.sql);
    Object.assign(parameters, start.parameters);
  }
  return { sql: all.join(' AND '), parameters };
}

/** Returns the SQL of a condition on a property of an activity; the alias is `activity`. */
function propertySql(
  dialect: Dialect,
  parameter: string,
  { key, gte, lte, startsWith, ...values }: ParsedCondition,
): Condition {
  const column = 'activity.properties';
  const property = dialect.property(column, `:${parameter}Key`);
  const number = dialect.number(column, `:${parameter}Key`);
  const { sql, parameters } = valueCondition(dialect, parameter, values, property);
  const all = [
    ...(sql === '' ? [] : [sql]),
    ...(gte === undefined ? [] : [`${number} >= ${numberSql(gte)}`]),
    ...(lte === undefined ? [] : [`${number} <= ${numberSql(lte)}`]),
  ];
  if (startsWith !== undefined) {
    // SUBSTR instead of a range, which would extract the property twice.
    all.push(`SUBSTR(${property}, 1, ${Array.from(startsWith).length}) = :${parameter}Start`);
    parameters[`${parameter}Start`] = startsWith;
  }
  // Most activities have no properties; checking that first is faster than extracting a missing property.
  const exists = matchesNone({ ...values, startsWith, gte, lte }) ? [] : ['activity.properties IS NOT NULL'];
  return { sql: [...exists, ...all].join(' AND '), parameters: { ...parameters, [`${parameter}Key`]: key } };
}

/** A number as a literal of double precision: each database reads it as it reads the numbers of properties. */
function numberSql(value: number): string {
  const text = String(value);
  return text.includes('e') ? text : `${text}e0`;
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
  // Only the date, so that its index is used. PostgreSQL would treat a second range of the same column as independent.
  query.andWhere(
    `activity.date ${beyond}= :afterDate AND (activity.date <> :afterDate OR ${dialect.idOrder('activity.id')} ${beyond} :afterId)`,
    { afterDate: date, afterId: id },
  );
}

/**
 * Returns the path column and, if the index holds only a prefix, the prefix too. The path comes first: if PostgreSQL does not use the
 * index, the cheap comparison excludes most rows before it computes the prefix.
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
  if (path.endsWith('*')) return beginsWith(columns, parameter, path.slice(0, -1));
  const parameters: Condition['parameters'] = {};
  const sql = [...columns].map(([column, length], i) => {
    parameters[`${parameter}${i}`] = truncate(path, length);
    return `${column} = :${parameter}${i}`;
  });
  return { sql: sql.join(' AND '), parameters };
}

/** A prefix is searched as a range, so that an index can be used. The columns compare by code points. */
function beginsWith(columns: Map<string, number>, parameter: string, text: string): Condition {
  const parameters: Condition['parameters'] = {};
  const sql = [...columns].flatMap(([column, length], i) => {
    const value = truncate(text, length);
    parameters[`${parameter}${i}`] = value;
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

/** Excludes the activities of bots; the alias is `activity`. */
export function leaveOutBots(query: SelectQueryBuilder<ObjectLiteral>): void {
  query.andWhere(noBotSql(query));
}

/** True if an activity is not of a bot. Bots are few, so a subquery is less work than joining each session. */
export function noBotSql(query: SelectQueryBuilder<ObjectLiteral>): string {
  const bots = query
    .subQuery()
    .select('1')
    .from(Session, 'robot')
    .where('robot.id = activity.sessionId AND robot.bot');
  return `NOT EXISTS ${bots.getQuery()}`;
}
