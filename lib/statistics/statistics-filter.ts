import { parseProperties } from '../activity/activity-scope.js';
import {
  checkText,
  InvalidFilterError,
  parseFilter,
  type ParsedFilter,
  type ParsedScope,
} from '../activity/activity.filter.js';
import { hostText } from '../activity/referrer.js';
import { MAX_FILTER_PROPERTIES, MAX_FUNNEL_STEPS } from './parameter-bounds.js';
import type { FunnelStep, Question, StatisticsFilter } from './statistics.types.js';

/** Properties of the session, which visits have too. */
export const SESSION_PROPERTIES = ['browser', 'system', 'device'] as const;
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
const ACTIVITY_PROPERTIES = ['user', 'path', 'name', 'group', 'ip', 'session', 'visit'] as const;
const MAY_BE_NULL = [...SESSION_PROPERTIES, ...VISIT_SOURCES] as const;
/** The compiler checks that `Question` has these properties. */
const ALLOWED = Object.keys({
  user: true,
  path: true,
  name: true,
  group: true,
  ip: true,
  browser: true,
  system: true,
  device: true,
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

type PropertyOf<T extends readonly string[]> = T[number];

/** A validated filter. Missing properties match everything; `null` matches those without a value. */
export interface ParsedStatisticsFilter
  extends
    Pick<ParsedFilter, Exclude<PropertyOf<typeof ACTIVITY_PROPERTIES>, 'user'>>,
    Partial<Record<PropertyOf<typeof VISIT_PATHS>, string>>,
    Partial<Record<PropertyOf<typeof MAY_BE_NULL>, string | null>> {
  user?: string | null;
  /** By key. */
  properties?: Map<string, string>;
  /** Whether bots are among them. */
  bots?: true;
  /** What else has to hold of each activity, whatever the filter is. */
  scope?: readonly ParsedScope[];
}

/**
 * Checks a filter once.
 * @throws InvalidFilterError for a property that is not known or not understood
 */
export function parseStatisticsFilter(filter: StatisticsFilter): ParsedStatisticsFilter {
  const given = Object.entries(filter).filter(([, value]) => value !== undefined);
  for (const property of Object.keys(filter))
    if (!ALLOWED.includes(property))
      throw new InvalidFilterError(property, `is not known; allowed: ${ALLOWED.join(', ')}`);
  const { bots, user, properties } = filter;
  if (bots !== undefined && typeof bots !== 'boolean')
    throw new InvalidFilterError('bots', 'must be true or false');
  const parsed: ParsedStatisticsFilter = parseFilter(
    Object.fromEntries(
      given.filter(
        ([property, value]) => isOf(property, ACTIVITY_PROPERTIES) && (property !== 'user' || value !== null),
      ),
    ),
  );
  if (user === null) parsed.user = null;
  if (bots) parsed.bots = true;
  for (const property of VISIT_PATHS) {
    const path = filter[property];
    if (path !== undefined) parsed[property] = checkText(property, path);
  }
  for (const property of MAY_BE_NULL) {
    const value = filter[property];
    if (value === undefined) continue;
    const text = value === null ? null : checkText(property, value);
    parsed[property] = property === 'referrer' && text !== null ? hostText(text) : text;
  }
  if (properties !== undefined)
    parsed.properties = parseProperties('properties', properties, MAX_FILTER_PROPERTIES);
  return parsed;
}

/** @throws InvalidFilterError */
export function parseFunnelSteps(steps: FunnelStep[]): ParsedStatisticsFilter[] {
  if (!Array.isArray(steps) || steps.length === 0 || steps.length > MAX_FUNNEL_STEPS)
    throw new InvalidFilterError('steps', `must be 1 to ${MAX_FUNNEL_STEPS} steps`);
  return steps.map((step, i) => {
    const given = Object.entries(step).filter(([, value]) => value !== undefined);
    const wrong = given.find(([property]) => !['path', 'name', 'properties'].includes(property));
    if (wrong || given.length === 0)
      throw new InvalidFilterError(`steps.${i}`, 'must have a path, a name or properties, and nothing else');
    return parseStatisticsFilter(step);
  });
}

function isOf(property: string, properties: readonly string[]): boolean {
  return properties.includes(property);
}
