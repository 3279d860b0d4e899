import type { PropertyCondition, PropertyMatching, Session, StatisticsFilter } from '../../../lib/index.js';
import { type History, type HistoryActivity, hostOf, UTM_PARAMETERS, type Visit } from './history.js';

const SESSION_FIELDS = ['browser', 'system', 'device', 'country', 'language'] as const;
const VISIT_FIELDS = [
  'entry',
  'exit',
  'referrer',
  'utmSource',
  'utmMedium',
  'utmCampaign',
  'utmTerm',
  'utmContent',
] as const satisfies (keyof typeof UTM_PARAMETERS | keyof Visit)[];

type IsEqual = (value: string | null, wanted: string | null) => boolean;
type ConditionOnText = string | null | readonly (string | null)[] | { not?: unknown; startsWith?: string };

/** The activities of a filter, at any time. */
export function selectActivities(history: History, filter: StatisticsFilter): HistoryActivity[] {
  return history.activities.filter(({ stored, visit, ...activity }) => {
    if (isBot(stored.session) && !filter.bots) return false;
    if (!matchesSession(stored.session, filter)) return false;
    if (!matchesActivity({ stored, visit, ...activity }, filter)) return false;
    if (hasVisitFields(filter) && !(visit && matchesVisit(visit, filter))) return false;
    return matchesPresenceOfUser(visit ? visit.user : stored.userId, filter);
  });
}

/** The visits of a filter, at any time. */
export function selectVisits(history: History, filter: StatisticsFilter): Visit[] {
  return history.visits.filter(
    (visit) =>
      (filter.bots === true || !isBot(visit.session)) &&
      matchesSession(visit.session, filter) &&
      matchesVisit(visit, filter) &&
      matchesPresenceOfUser(visit.user, filter) &&
      visit.activities.some((activity) => matchesActivity(activity, filter)),
  );
}

function isBot(session: Session | null): boolean {
  return session?.bot ?? false;
}

function matchesSession(session: Session | null, filter: StatisticsFilter): boolean {
  return SESSION_FIELDS.every((field) => matches(session?.[field] ?? null, filter[field]));
}

function hasVisitFields(filter: StatisticsFilter): boolean {
  return VISIT_FIELDS.some((field) => filter[field] !== undefined);
}

function matchesVisit(visit: Visit, filter: StatisticsFilter): boolean {
  return VISIT_FIELDS.every((field) => {
    if (field === 'entry' || field === 'exit') return matches(visit[field], filter[field], isOnPage);
    if (field === 'referrer') return matchesReferrer(visit.referrer, filter.referrer);
    return matches(visit[field], filter[field]);
  });
}

function matchesReferrer(value: string | null, condition: ConditionOnText | undefined): boolean {
  const beginning = isCondition(condition) ? condition.startsWith : undefined;
  return matches(
    value,
    beginning === undefined ? condition : { ...Object(condition), startsWith: beginning.toLowerCase() },
    (host, wanted) => host === (wanted === null ? null : hostOf(wanted)),
  );
}

/** `user: null` and `user: { not: null }` are about the user of the visit, or of an activity without a visit. */
function matchesPresenceOfUser(user: string | null, { user: condition }: StatisticsFilter): boolean {
  if (condition === null) return user === null;
  return asksForAnyUser(condition) ? user !== null : true;
}

function asksForAnyUser(condition: StatisticsFilter['user']): boolean {
  return isCondition(condition) && condition.not === null;
}

/** Whether an activity meets all conditions of a filter on fields of activities. */
export function matchesActivity({ stored, page }: HistoryActivity, filter: StatisticsFilter): boolean {
  const { user } = filter;
  return (
    (user === null || asksForAnyUser(user) || matches(stored.userId, user)) &&
    matches(stored.sessionId, filter.session) &&
    matches(stored.visitId, filter.visit) &&
    matches(page, filter.path, isOnPage) &&
    matches(stored.route, filter.route, isOnPage) &&
    matches(stored.name, filter.name) &&
    matches(stored.subject, subjectsOf(filter.subject)) &&
    matches(stored.groupId, subjectsOf(filter.group)) &&
    matches(stored.ipAddress, filter.ip) &&
    Object.entries<PropertyMatching | undefined>(filter.properties ?? {}).every(([key, condition]) =>
      matchesProperty(stored.properties?.[key], condition),
    )
  );
}

/** `['order', 17]` is the subject `order:17`; `['order:17', 'order:18']` are two. */
function subjectsOf(condition: StatisticsFilter['subject']): ConditionOnText | undefined {
  const asText = (one: unknown): unknown =>
    Array.isArray(one) && typeof one[0] === 'string' && !one[0].includes(':') ? one.join(':') : one;
  if (condition === undefined || typeof condition === 'string') return condition;
  if (!isCondition(condition)) {
    const whole = asText(condition);
    return (Array.isArray(whole) ? whole.map(asText) : whole) as ConditionOnText;
  }
  const not = asText(condition.not);
  return { ...condition, not: Array.isArray(not) ? not.map(asText) : not };
}

function matchesProperty(value: unknown, condition: PropertyMatching | undefined): boolean {
  const text = textOfProperty(value);
  if (condition === undefined) return true;
  if (typeof condition !== 'object' || Array.isArray(condition))
    return matches(text, [condition].flat().map(String));
  const { not, startsWith, gte, lte } = condition as PropertyCondition;
  if ((gte !== undefined || lte !== undefined) && typeof value !== 'number') return false;
  if (typeof value === 'number' && (value < (gte ?? -Infinity) || value > (lte ?? Infinity))) return false;
  return matches(text, {
    ...(not !== undefined && { not: [not].flat().map(String) }),
    ...(startsWith !== undefined && { startsWith }),
  });
}

/** What filters and `top` compare of a property: texts, numbers and truth values. */
export function textOfProperty(value: unknown): string | null {
  return ['string', 'number', 'boolean'].includes(typeof value) ? String(value) : null;
}

/** A trailing `*` stands for any end. */
export function isOnPage(page: string | null, wanted: string | null): boolean {
  return wanted?.endsWith('*') === true ? page?.startsWith(wanted.slice(0, -1)) === true : page === wanted;
}

function matches(
  value: string | null,
  condition: ConditionOnText | undefined,
  isEqual: IsEqual = (one, other) => one === other,
): boolean {
  if (condition === undefined) return true;
  const isAnyOf = (wanted: unknown): boolean =>
    [wanted].flat().some((each) => each !== undefined && isEqual(value, each as string | null));
  if (!isCondition(condition)) return isAnyOf(condition);
  if (isAnyOf(condition.not)) return false;
  return condition.startsWith === undefined || value?.startsWith(condition.startsWith) === true;
}

function isCondition(condition: unknown): condition is { not?: unknown; startsWith?: string } {
  return typeof condition === 'object' && condition !== null && !Array.isArray(condition);
}
