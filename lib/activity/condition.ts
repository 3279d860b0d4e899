import type { Activities } from './activities.js';
import { InvalidFilterError } from './invalid-filter.error.js';
import { isObject } from './properties.js';
import { isStorable } from './text.js';

/**
 * A filter on a text: one value, several values of which one must match, or conditions that must all hold.
 * @example
 * { name: ['order.paid', 'order.refunded'] }
 * { path: { not: '/admin*' } }
 * { name: { startsWith: 'order.', not: 'order.draft' } }
 */
export type Matching<T> = T | readonly T[] | TextCondition<T>;

/** Conditions on a text. */
export interface TextCondition<T> {
  /** Matches if the value is none of these, or if there is no value. */
  not?: T | readonly T[] | undefined;
  /** The beginning of the text. */
  startsWith?: string | undefined;
}

/** A value of a property that filters compare: as text, so `5` matches `5` and `'5'`. */
export type PropertyValue = string | number | boolean;

/**
 * A filter on a property: one value, several values of which one must match, or conditions that must all hold.
 * @example
 * { properties: { plan: ['pro', 'team'], total: { gte: 100, lte: 200 }, coupon: { not: 'SPRING' } } }
 */
export type PropertyMatching<V extends PropertyValue = PropertyValue> =
  V | readonly V[] | PropertyCondition<V>;

/** Conditions on a property. */
export interface PropertyCondition<V extends PropertyValue = PropertyValue> {
  /** Matches if the value is none of these, or if the activity does not have the property. */
  not?: V | readonly V[] | undefined;
  /** The beginning of the value as text. */
  startsWith?: string | undefined;
  /** A number that is at least this. It matches only numbers, not texts such as `'5'`. */
  gte?: number | undefined;
  /** A number that is at most this, likewise. */
  lte?: number | undefined;
}

type KeyOf<A> = A extends unknown ? Extract<keyof A, string> : never;
type ValueOf<A, K extends string> = A extends unknown ? (K extends keyof A ? A[K] : never) : never;
/** `true` and `false` together are `boolean`. */
type Comparable<V> = Extract<V, PropertyValue> extends never ? PropertyValue : Extract<V, PropertyValue>;
/** The properties of all activities that the host declares. */
type Declared = Activities[keyof Activities];

/** The keys that the host declares with the type of their values, and any other key. */
export type PropertyFilters = {
  // oxlint-disable-next-line typescript/no-unnecessary-type-arguments -- hosts declare activities
  [K in KeyOf<Declared>]?: PropertyMatching<Comparable<ValueOf<Declared, K>>> | undefined;
} & Record<string, PropertyMatching | undefined>;

/** A parsed condition on a field of `F`. Everything that is given must hold. */
export interface ParsedCondition<F extends string = string> {
  /** `properties` for a property. */
  field: F;
  /** The key of the property, if it is a condition on one. */
  key?: string;
  /** The value must be one of these; `null` stands for "no value". */
  anyOf?: readonly (string | null)[];
  /** The value must be none of these. */
  noneOf?: readonly (string | null)[];
  startsWith?: string;
  gte?: number;
  lte?: number;
}

/** Values in a list of a filter. */
export const MAX_VALUES = 100;

/**
 * Checks a condition on a text.
 * @param parse checks one value, and returns how it is stored
 * @returns the text if the condition is equality
 * @throws InvalidFilterError
 */
export function parseMatching<F extends string, V extends string | null>(
  field: F,
  value: unknown,
  parse: (value: unknown) => V,
): V | ParsedCondition<F> {
  if (Array.isArray(value)) {
    const anyOf = parseList(field, value, parse);
    const [only] = anyOf;
    return anyOf.length === 1 && only !== undefined ? only : { field, anyOf };
  }
  if (!isObject(value) || value instanceof Date) return parse(value);
  const { not, startsWith } = checkOperators(field, value, ['not', 'startsWith']);
  return {
    field,
    ...(not !== undefined && { noneOf: parseList(`${field}.not`, toList(not), parse) }),
    ...(startsWith !== undefined && { startsWith: parseStart(field, startsWith) }),
  };
}

/** @throws InvalidFilterError */
export function parseProperty(key: string, value: unknown): ParsedCondition<'properties'> {
  const name = `properties.${key}`;
  const field = 'properties';
  const parse = (each: unknown): string => parseValue(name, each);
  if (Array.isArray(value)) return { field, key, anyOf: parseList(name, value, parse) };
  if (!isObject(value)) return { field, key, anyOf: [parse(value)] };
  const { not, startsWith, gte, lte } = checkOperators(name, value, ['not', 'startsWith', 'gte', 'lte']);
  return {
    field,
    key,
    ...(not !== undefined && { noneOf: parseList(`${name}.not`, toList(not), parse) }),
    ...(startsWith !== undefined && { startsWith: parseStart(name, startsWith) }),
    ...(gte !== undefined && { gte: parseNumber(`${name}.gte`, gte) }),
    ...(lte !== undefined && { lte: parseNumber(`${name}.lte`, lte) }),
  };
}

/** Whether a condition holds if there is no value. */
export function matchesNone({
  anyOf,
  noneOf,
  startsWith,
  gte,
  lte,
}: Omit<ParsedCondition, 'field'>): boolean {
  return (
    (anyOf?.includes(null) ?? true) &&
    !noneOf?.includes(null) &&
    startsWith === undefined &&
    gte === undefined &&
    lte === undefined
  );
}

function toList(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [value];
}

function parseList<V>(name: string, values: unknown[], parse: (value: unknown) => V): V[] {
  if (values.length === 0 || values.length > MAX_VALUES)
    throw new InvalidFilterError(name, `must have 1 to ${MAX_VALUES} values`);
  return [...new Set(values.map(parse))];
}

function parseStart(name: string, value: unknown): string {
  if (typeof value !== 'string' || value === '' || !isStorable(value))
    throw new InvalidFilterError(
      `${name}.startsWith`,
      'must be a text without NUL and lone surrogates, and not empty',
    );
  return value;
}

function parseNumber(name: string, value: unknown): number {
  if (typeof value !== 'number' || !Number.isFinite(value))
    throw new InvalidFilterError(name, 'must be a number');
  return value;
}

function parseValue(name: string, value: unknown): string {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean')
    throw new InvalidFilterError(
      name,
      'must be a text, a number, true or false, a list of them, or conditions',
    );
  const text = String(value);
  if (!isStorable(text)) throw new InvalidFilterError(name, 'must not contain NUL or lone surrogates');
  return text;
}

function checkOperators(
  name: string,
  value: Record<string, unknown>,
  allowed: readonly string[],
): Record<string, unknown> {
  const given = Object.entries(value).filter(([, operand]) => operand !== undefined);
  const wrong = given.find(([operator]) => !allowed.some((each) => each === operator));
  if (wrong || given.length === 0)
    throw new InvalidFilterError(name, `must have one of ${allowed.join(', ')}, and nothing else`);
  return value;
}
