import type { StoredActivity } from './activity.js';
import { type ActivityField, type ParsedFilter, TEXT_FIELDS, type TextField } from './activity.filter.js';
import type { ParsedCondition } from './condition.js';

/** `page` is the page that statistics count for the path; if it is not known, the path is compared. */
type Candidate = StoredActivity & { page?: string | null };

const TEXTS: Record<TextField, (activity: Candidate) => string | null> = {
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

/** Fields for which a trailing `*` of a value stands for any end of the text. */
export const PREFIX_FIELDS: readonly ActivityField[] = ['path', 'page', 'route'];

/**
 * True if an activity matches a filter, with the same result as in a database.
 * @param prefixFields fields for which a trailing `*` stands for any end
 */
export function matchesFilter(
  filter: ParsedFilter,
  activity: Candidate,
  prefixFields: readonly ActivityField[] = PREFIX_FIELDS,
): boolean {
  const { from, to, conditions = [], scope = [] } = filter;
  const date = activity.date.getTime();
  if (from !== undefined && date < from) return false;
  if (to !== undefined && date >= to) return false;
  return (
    TEXT_FIELDS.every((field) => {
      const value = filter[field];
      return value === undefined || equals(TEXTS[field](activity), value, prefixFields.includes(field));
    }) &&
    conditions.every((condition) => holds(condition, activity, prefixFields)) &&
    scope.every(
      (each) =>
        matchesFilter(each.filter, activity) &&
        [...each.properties].every(([key, value]) =>
          holds({ field: 'properties', key, anyOf: [value] }, activity, prefixFields),
        ),
    )
  );
}

function holds(
  { field, key = '', anyOf, noneOf, startsWith, gte, lte }: ParsedCondition<ActivityField>,
  activity: Candidate,
  prefixFields: readonly ActivityField[],
): boolean {
  const property = field === 'properties' ? activity.properties?.[key] : undefined;
  const text = field === 'properties' ? textOf(property) : TEXTS[field](activity);
  const isOneOf = (values: readonly (string | null)[]): boolean =>
    values.some((value) =>
      value === null ? text === null : equals(text, value, prefixFields.includes(field)),
    );
  return (
    (!anyOf || isOneOf(anyOf)) &&
    (!noneOf || !isOneOf(noneOf)) &&
    (startsWith === undefined || (text?.startsWith(startsWith) ?? false)) &&
    (gte === undefined || (typeof property === 'number' && property >= gte)) &&
    (lte === undefined || (typeof property === 'number' && property <= lte))
  );
}

function equals(text: string | null, value: string, mayBePrefix: boolean): boolean {
  if (mayBePrefix && value.endsWith('*')) return text?.startsWith(value.slice(0, -1)) ?? false;
  return text === value;
}

/** Properties are compared as text. */
function textOf(property: unknown): string | null {
  if (property === undefined || property === null) return null;
  return typeof property === 'string' ? property : JSON.stringify(property);
}
