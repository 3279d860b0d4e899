import type { ActivityOnPage } from '../activity/activity.js';
import type { ActivityField, ParsedFilter } from '../activity/activity.filter.js';
import type { ParsedCondition } from '../activity/condition.js';

const TEXTS: Record<Exclude<ActivityField, 'properties'>, (activity: ActivityOnPage) => string | null> = {
  user: ({ userId }) => userId,
  session: ({ sessionId }) => sessionId,
  visit: ({ visitId }) => visitId,
  path: ({ path }) => path,
  page: ({ page, path }) => page ?? path,
  route: ({ route }) => route,
  name: ({ name }) => name,
  subject: ({ subject }) => subject,
  group: ({ groupId }) => groupId,
  ip: ({ ipAddress }) => ipAddress,
};

/** Fields whose values may have a trailing `*`. */
const WITH_PREFIXES = new Set<ActivityField>(['path', 'page', 'route']);

/** True if an activity matches a filter, with the same result as in a database. */
export function matches(filter: ParsedFilter, activity: ActivityOnPage): boolean {
  const { from, to, conditions = [], scope = [] } = filter;
  const date = activity.date.getTime();
  if (from !== undefined && date < from) return false;
  if (to !== undefined && date >= to) return false;
  for (const [field, text] of Object.entries(TEXTS)) {
    if (!isField(field)) continue;
    const value = filter[field];
    if (value !== undefined && !equals(field, text(activity), value)) return false;
  }
  return (
    conditions.every((condition) => holds(condition, activity)) &&
    scope.every(
      (each) =>
        matches(each.filter, activity) &&
        [...each.properties].every(([key, value]) =>
          holds({ field: 'properties', key, anyOf: [value] }, activity),
        ),
    )
  );
}

function isField(field: string): field is keyof typeof TEXTS {
  return Object.hasOwn(TEXTS, field);
}

function holds(
  { field, key = '', anyOf, noneOf, startsWith, gte, lte }: ParsedCondition<ActivityField>,
  activity: ActivityOnPage,
): boolean {
  const property = field === 'properties' ? activity.properties?.[key] : undefined;
  const text = field === 'properties' ? textOf(property) : TEXTS[field](activity);
  const isOneOf = (values: readonly (string | null)[]): boolean =>
    values.some((value) => (value === null ? text === null : equals(field, text, value)));
  return (
    (!anyOf || isOneOf(anyOf)) &&
    (!noneOf || !isOneOf(noneOf)) &&
    (startsWith === undefined || (text?.startsWith(startsWith) ?? false)) &&
    (gte === undefined || (typeof property === 'number' && property >= gte)) &&
    (lte === undefined || (typeof property === 'number' && property <= lte))
  );
}

function equals(field: ActivityField, text: string | null, value: string): boolean {
  if (WITH_PREFIXES.has(field) && value.endsWith('*')) return text?.startsWith(value.slice(0, -1)) ?? false;
  return text === value;
}

/** Properties are compared as text. */
function textOf(property: unknown): string | null {
  if (property === undefined || property === null) return null;
  return typeof property === 'string' ? property : JSON.stringify(property);
}
