import type { ActivityName } from './activities.js';
import type { StoredActivity } from './activity.js';
import { ACTIVITY_FIELDS, type ActivityFilter, InvalidFilterError, parseFilter } from './activity.filter.js';
import type { Matching } from './condition.js';
import { matchesFilter, PREFIX_FIELDS } from './matches.js';

/** A name of an activity, or with a trailing `*` the beginning of names. */
// oxlint-disable-next-line typescript/no-redundant-type-constituents -- hosts declare the names
type NamePattern = ActivityName | `${string}*`;

/**
 * Selects activities while they are stored: a filter without dates and without pages, which only statistics know.
 * @example
 * { name: 'order.*', properties: { total: { gte: 100 } }, path: { not: '/admin*' } }
 */
export interface ActivityPattern extends Omit<ActivityFilter, 'name' | 'page' | 'from' | 'to'> {
  /** Such as `order.paid`, or `order.*` for all names that begin with `order.`. */
  name?: Matching<NamePattern> | undefined;
}

const ALLOWED = ACTIVITY_FIELDS.filter((field) => field !== 'page');
const PREFIXES = [...PREFIX_FIELDS, 'name'] as const;

/**
 * Checks a pattern.
 * @returns whether an activity matches
 * @throws InvalidFilterError
 */
export function matcherOf(pattern: ActivityPattern): (activity: StoredActivity) => boolean {
  for (const property of Object.keys(pattern))
    if (!ALLOWED.includes(property))
      throw new InvalidFilterError(property, `is not known; allowed: ${ALLOWED.join(', ')}`);
  const filter = parseFilter(pattern);
  return (activity) => matchesFilter(filter, activity, PREFIXES);
}
