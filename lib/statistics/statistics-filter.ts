import {
  type ActivityField,
  checkText,
  InvalidFilterError,
  parseFilter,
  type ParsedFilter,
  type ParsedScope,
} from '../activity/activity.filter.js';
import { type ParsedCondition, parseMatching } from '../activity/condition.js';
import { isObject } from '../activity/properties.js';
import { SESSION_PROPERTIES } from '../activity/session.js';
import { hostText } from '../activity/referrer.js';
import { MAX_FUNNEL_STEPS } from './parameter-bounds.js';
import type { FunnelStep } from './statistics.types.js';
import type { Question, StatisticsFilter } from './question.types.js';

/** Paths that a visit has. */
export const VISIT_PATHS = ['entry', 'exit'] as const;
/** Properties of the source of a visit. */
export const VISIT_SOURCES = [
  'referrer',
  'utmSource',
  'utmMedium',
  'utmCampaign',
  'utmTerm',
  'utmContent',
] as const;
/** The fields of single activities that are compared as texts; a page is the `path` of a question. */
const ACTIVITY_TEXTS = ['user', 'route', 'subject', 'name', 'group', 'ip', 'path'] as const;
const ACTIVITY_PROPERTIES = [...ACTIVITY_TEXTS, 'session', 'visit'] as const;
const MAY_BE_NULL = [...SESSION_PROPERTIES, ...VISIT_SOURCES] as const;
/** The compiler checks that `Question` has these properties. */
const ALLOWED = Object.keys({
  user: true,
  path: true,
  route: true,
  subject: true,
  name: true,
  group: true,
  ip: true,
  browser: true,
  system: true,
  device: true,
  country: true,
  language: true,
  session: true,
  visit: true,
  entry: true,
  exit: true,
  referrer: true,
  utmSource: true,
  utmMedium: true,
  utmCampaign: true,
  utmTerm: true,
  utmContent: true,
  properties: true,
  bots: true,
  from: true,
  to: true,
  timeZone: true,
} satisfies Record<keyof Question, true>);

/** The names of {@link StatisticsField}s. */
export const STATISTICS_FIELDS = ALLOWED.filter((name) => !['bots', 'from', 'to', 'timeZone'].includes(name));

type PropertyOf<T extends readonly string[]> = T[number];

/** The fields of visits: either all activities of a visit match or none. */
export type VisitField = PropertyOf<typeof VISIT_PATHS | typeof MAY_BE_NULL> | 'session' | 'visit';
/** The filters of visits, as they are after {@link parseStatisticsFilter}. */
export type VisitFilters = { [Field in VisitField | 'bots']?: unknown };
/** The fields of a filter. */
export type StatisticsField = VisitField | OfActivities;
/** The fields of single activities. */
type OfActivities = PropertyOf<typeof ACTIVITY_TEXTS> | 'properties';

const VISIT_FIELDS: readonly string[] = [
  'session',
  'visit',
  ...VISIT_PATHS,
  ...MAY_BE_NULL,
] satisfies VisitField[];

/** True if the condition is about a field of visits. */
export function isOfVisits(
  condition: ParsedCondition<StatisticsField>,
): condition is ParsedCondition<VisitField> {
  return VISIT_FIELDS.includes(condition.field);
}

/** True if a condition is on a field of single activities. */
export function isOfActivities(
  condition: ParsedCondition<StatisticsField>,
): condition is ParsedCondition<OfActivities> {
  return !isOfVisits(condition);
}

/** A validated filter. Missing properties match everything; `null` matches those without a value. */
export interface ParsedStatisticsFilter
  extends
    Pick<ParsedFilter, Exclude<PropertyOf<typeof ACTIVITY_PROPERTIES>, 'user'>>,
    Partial<Record<PropertyOf<typeof VISIT_PATHS>, string>>,
    Partial<Record<PropertyOf<typeof MAY_BE_NULL>, string | null>> {
  user?: string | null;
  /** Conditions other than equality with one value, and all conditions on properties. */
  conditions?: readonly ParsedCondition<StatisticsField>[];
  /** True if the activities of bots count too. */
  bots?: true;
  /** The scope, which applies to each activity in addition to any filter. */
  scope?: readonly ParsedScope[];
}

/**
 * Checks a filter once.
 * @throws InvalidFilterError for an unknown property or an invalid value
 */
export function parseStatisticsFilter(filter: StatisticsFilter): ParsedStatisticsFilter {
  for (const property of Object.keys(filter))
    if (!ALLOWED.includes(property))
      throw new InvalidFilterError(property, `is not known; allowed: ${ALLOWED.join(', ')}`);
  const { bots, user } = filter;
  if (bots !== undefined && typeof bots !== 'boolean')
    throw new InvalidFilterError('bots', 'must be true or false');
  const { conditions: ofActivities = [], ...plain } = parseFilter(
    Object.fromEntries(
      Object.entries(filter).filter(
        ([property, value]) =>
          isIn(property, [...ACTIVITY_PROPERTIES, 'properties']) &&
          (property !== 'user' || (value !== null && !isNotNull(value))),
      ),
    ),
  );
  const parsed: ParsedStatisticsFilter = plain;
  // A page is the `path` of a question.
  const conditions: ParsedCondition<StatisticsField>[] = ofActivities.filter(
    (condition): condition is ParsedCondition<Exclude<ActivityField, 'page'>> => condition.field !== 'page',
  );
  if (user === null) parsed.user = null;
  else if (isNotNull(user)) conditions.push({ field: 'user', noneOf: [null] });
  if (bots) parsed.bots = true;
  for (const property of VISIT_PATHS) {
    const value = filter[property];
    if (value === undefined) continue;
    const found = parseMatching(property, value, (path) => checkText(property, path));
    if (typeof found === 'string') parsed[property] = found;
    else conditions.push(found);
  }
  for (const property of MAY_BE_NULL) {
    const value = filter[property];
    if (value === undefined) continue;
    const found = parseMatching(property, value, (text) => parseOrNone(property, text));
    if (typeof found === 'string' || found === null) parsed[property] = found;
    else conditions.push(found);
  }
  if (conditions.length > 0) parsed.conditions = conditions;
  return parsed;
}

/**
 * Returns the part of a filter that is about single activities, as a filter of activities, in which the `path` of a question is the
 * page. `user: null` is about visits.
 */
export function toActivityFilter(filter: ParsedStatisticsFilter): ParsedFilter {
  const parsed: ParsedFilter = {};
  for (const field of ACTIVITY_TEXTS) {
    const value = filter[field];
    if (value != null) parsed[field === 'path' ? 'page' : field] = value;
  }
  const conditions = (filter.conditions ?? [])
    .filter(isOfActivities)
    .map((condition) => (condition.field === 'path' ? { ...condition, field: 'page' as const } : condition));
  return conditions.length > 0 ? { ...parsed, conditions } : parsed;
}

/** The name that all activities of a filter have; `undefined` if they may have any, `null` if they may have several. */
export function nameIn({ name, conditions = [] }: ParsedStatisticsFilter): string | null | undefined {
  return name ?? (conditions.some(({ field }) => field === 'name') ? null : undefined);
}

/** `{ not: null }` matches any user. */
function isNotNull(user: unknown): boolean {
  return isObject(user) && 'not' in user && user.not === null && Object.keys(user).length === 1;
}

function parseOrNone(property: (typeof MAY_BE_NULL)[number], value: unknown): string | null {
  if (value === null) return null;
  const text = checkText(property, value);
  return property === 'referrer' ? hostText(text) : text;
}

/** @throws InvalidFilterError */
export function parseFunnelSteps(steps: FunnelStep[]): ParsedStatisticsFilter[] {
  if (!Array.isArray(steps) || steps.length === 0 || steps.length > MAX_FUNNEL_STEPS)
    throw new InvalidFilterError('steps', `must be 1 to ${MAX_FUNNEL_STEPS} steps`);
  return steps.map((step, i) => {
    const given = Object.entries(step).filter(([, value]) => value !== undefined);
    const wrong = given.find(([property]) => !['path', 'route', 'name', 'properties'].includes(property));
    if (wrong || given.length === 0)
      throw new InvalidFilterError(
        `steps.${i}`,
        'must have a path, a route, a name or properties, and nothing else',
      );
    return parseStatisticsFilter(step);
  });
}

function isIn(property: string, properties: readonly string[]): boolean {
  return properties.includes(property);
}
