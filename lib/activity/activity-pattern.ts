import type { ActivityName } from './activities.js';
import type { StoredActivity } from './activity.js';
import { InvalidFilterError } from './activity.filter.js';

/** A name of an activity, or with a trailing `*` the beginning of names. */
// oxlint-disable-next-line typescript/no-redundant-type-constituents -- hosts declare the names
type NamePattern = ActivityName | `${string}*`;

/** Selects activities while they are stored. Each property is one text or several, of which one has to match. */
export interface ActivityPattern {
  /** Such as `order.paid`, or `order.*` for all names that begin with `order.`. */
  name?: NamePattern | readonly NamePattern[] | undefined;
  /** Such as `/cart`, or `/docs/*`. */
  path?: string | readonly string[] | undefined;
  /** The pattern of a route, such as `/orders/:id/pay`, or `/orders/*`. */
  route?: string | readonly string[] | undefined;
}

type Matches = (activity: StoredActivity) => boolean;

const PROPERTIES = ['name', 'path', 'route'] as const;

/**
 * Checks a pattern.
 * @returns whether an activity matches
 * @throws InvalidFilterError
 */
export function matcherOf(pattern: ActivityPattern): Matches {
  const conditions: Matches[] = [];
  for (const [property, value] of Object.entries(pattern)) {
    const known = PROPERTIES.find((each) => each === property);
    if (!known) throw new InvalidFilterError(property, `is not known; allowed: ${PROPERTIES.join(', ')}`);
    if (value === undefined) continue;
    const matches = textMatcher(known, value);
    conditions.push((activity) => matches(activity[known]));
  }
  return (activity) => conditions.every((matches) => matches(activity));
}

function textMatcher(property: string, value: unknown): (text: string | null) => boolean {
  const texts: unknown[] = Array.isArray(value) ? value : [value];
  const exact = new Set<string>();
  const prefixes: string[] = [];
  for (const text of texts) {
    if (typeof text !== 'string' || text === '')
      throw new InvalidFilterError(property, 'must be a text that is not empty, or an array of such');
    if (text.endsWith('*')) prefixes.push(text.slice(0, -1));
    else exact.add(text);
  }
  if (texts.length === 0) throw new InvalidFilterError(property, 'must have at least one text');
  return (text) => text !== null && (exact.has(text) || prefixes.some((prefix) => text.startsWith(prefix)));
}
