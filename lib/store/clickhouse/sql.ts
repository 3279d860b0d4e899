/** A text as a literal of ClickHouse's SQL. */
export function text(value: string): string {
  return `'${value.replaceAll(/[\\']/g, String.raw`\$&`)}'`;
}

/** Texts, or UUIDs, as a list behind `IN`. An empty list matches nothing. */
export function texts(values: Iterable<string>): string {
  const literals = Array.from(values, text);
  return literals.length > 0 ? `(${literals.join(',')})` : '(NULL)';
}

/** Milliseconds, also those of a range without an end. */
export function integer(value: number): string {
  return String(Math.trunc(Math.min(Math.max(value, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)));
}

/** A number in double precision. */
export function double(value: number): string {
  return `toFloat64(${text(String(value))})`;
}

/** All conditions together; `1` if there are none. */
export function all(conditions: readonly string[]): string {
  return conditions.length > 0 ? conditions.map((condition) => `(${condition})`).join(' AND ') : '1';
}

/** Orders ids by their text; ClickHouse's own order of UUIDs is different. */
export const ID_ORDER = 'toUInt128(id)';

/** The maximum number of values in a list of one statement. */
const LISTED_AT_ONCE = 5000;

export function* lists<T>(values: readonly T[], size = LISTED_AT_ONCE): Generator<T[], void, void> {
  for (let at = 0; at < values.length; at += size) yield values.slice(at, at + size);
}
