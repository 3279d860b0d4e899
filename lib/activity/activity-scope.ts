import {
  type ActivityFilter,
  checkStorable,
  checkText,
  InvalidFilterError,
  type ParsedScope,
  parseFilter,
} from './activity.filter.js';

/**
 * The activities that somebody may see, such as those of a customer. All that is given has to hold. Unlike a filter, it is
 * applied to everything: no question, stream, export or erasure can go beyond it.
 */
export interface ActivityScope extends Pick<
  ActivityFilter,
  'user' | 'path' | 'page' | 'route' | 'name' | 'subject' | 'group'
> {
  /** Each key has this text, number or truth value. */
  properties?: Record<string, string | number | boolean> | undefined;
}

/** How many properties a scope may have, so that SQLite can filter by them and by those of a question at once. */
const MAX_PROPERTIES = 20;
/** As in {@link ActivityScope}. */
const ALLOWED = ['user', 'path', 'page', 'route', 'name', 'subject', 'group', 'properties'];

/**
 * Checks a scope. An undefined property is an error, because ignoring it would widen the scope.
 * @returns `undefined` if the scope has no property: everything
 * @throws InvalidFilterError
 */
export function parseScope(scope: ActivityScope): ParsedScope | undefined {
  checkPlain('scope', scope, '{ properties: { shop: 17 } }');
  const given = Object.entries(scope);
  if (given.length === 0) return undefined;
  for (const [property, value] of given) {
    if (!ALLOWED.includes(property))
      throw new InvalidFilterError(`scope.${property}`, `is not known; allowed: ${ALLOWED.join(', ')}`);
    if (value === undefined) throw new InvalidFilterError(`scope.${property}`, 'must not be undefined');
  }
  const { properties, ...filter } = scope;
  if (properties !== undefined) checkPlain('scope.properties', properties, '{ shop: 17 }');
  const values = parseProperties('scope.properties', properties ?? {}, MAX_PROPERTIES);
  if (properties !== undefined && values.size === 0)
    throw new InvalidFilterError('scope.properties', 'must not be empty');
  return { filter: parseFilter(filter), properties: values };
}

/**
 * Rejects a `Map` or an instance of a class: its properties are not own properties, so the scope would be empty and allow everything.
 * @throws InvalidFilterError
 */
function checkPlain(name: string, value: unknown, example: string): void {
  if (typeof value === 'object' && value !== null) {
    const prototype: unknown = Object.getPrototypeOf(value);
    const isPlain = prototype === Object.prototype || prototype === null;
    // A key that is hidden or a symbol would be overlooked.
    if (isPlain && Reflect.ownKeys(value).length === Object.keys(value).length) return;
  }
  throw new InvalidFilterError(name, `must be a plain object, such as ${example}`);
}

/** Returns the same key for equal scopes, whatever the order of their properties. */
export function scopeKey({ filter, properties }: ParsedScope): string {
  return JSON.stringify([byKey(Object.entries(filter)), byKey([...properties])]);
}

function byKey(entries: [string, unknown][]): [string, unknown][] {
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1));
}

/**
 * @param max how many keys there may be
 * @throws InvalidFilterError
 */
export function parseProperties(name: string, properties: unknown, max: number): Map<string, string> {
  if (typeof properties !== 'object' || properties === null)
    throw new InvalidFilterError(name, 'must be an object of texts, numbers and truth values');
  const entries = Object.entries(properties);
  if (entries.length > max) throw new InvalidFilterError(name, `must have at most ${max} keys`);
  const parsed = new Map<string, string>();
  for (const [key, value] of entries) {
    if (!['string', 'number', 'boolean'].includes(typeof value))
      throw new InvalidFilterError(`${name}.${key}`, 'must be a text, a number, true or false');
    parsed.set(checkText(name, key), checkStorable(`${name}.${key}`, String(value)));
  }
  return parsed;
}
