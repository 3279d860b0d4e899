import type { PropertyCondition, PropertyMatching, Session, StatisticsFilter } from '../../../lib/index.js';
import type { History, HistoryActivity, Visit } from './history.js';
import { hostOf } from './sources.js';

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
] as const satisfies (keyof Visit)[];

type IsEqual = (value: string | null, wanted: string | null) => boolean;
type ConditionOnText = string | null | readonly (string | null)[] | { not?: unknown; startsWith?: string };

/** The activities of a filter, at any time. */
export function selectActivities(history: History, filter: StatisticsFilter): HistoryActivity[] {
  return history.activities.filter((activity) => {
    const { stored, visit } = activity;
    if (isBot(stored.session) && !filter.bots) return false;
    if (!matchesIds(stored.visitId, stored.sessionId, filter)) return false;
    if (!matchesSession(stored.session, filter)) return false;
    if (!matchesActivity(activity, filter)) return false;
    if (hasVisitFields(filter) && !(visit && matchesVisit(visit, filter))) return false;
    return filter.user !== null || (visit ? visit.user : stored.userId) === null;
  });
}

/** The visits of a filter, at any time. */
export function selectVisits(history: History, filter: StatisticsFilter): Visit[] {
  return history.visits.filter(
    (visit) =>
      (filter.bots === true || !isBot(visit.session)) &&
      matchesIds(visit.id, visit.sessionId, filter) &&
      matchesSession(visit.session, filter) &&
      matchesVisit(visit, filter) &&
      (filter.user !== null || visit.user === null) &&
      visit.activities.some((activity) => matchesActivity(activity, filter)),
  );
}

function isBot(session: Session | null): boolean {
  return session?.bot ?? false;
}

function matchesIds(visit: string | null, session: string | null, filter: StatisticsFilter): boolean {
  return matches(visit, filter.visit) && matches(session, filter.session);
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
    if (field === 'referrer') return matches(visit.referrer, filter.referrer, isHost);
    return matches(visit[field], filter[field]);
  });
}

/** Whether an activity meets all conditions of a filter on fields of activities. */
export function matchesActivity(
  { stored, page }: Pick<HistoryActivity, 'stored' | 'page'>,
  filter: StatisticsFilter,
): boolean {
  return (
    (filter.user === null || matches(stored.userId, filter.user)) &&
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

function isHost(host: string | null, wanted: string | null): boolean {
  return host === (wanted === null ? null : hostOf(wanted));
}

/** A trailing `*` stands for any end. */
export function isOnPage(page: string | null, wanted: string | null): boolean {
  return wanted?.endsWith('*') === true ? page?.startsWith(wanted.slice(0, -1)) === true : page === wanted;
}

/** Whether a text is a value, one of several, or meets conditions. */
export function matches(
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
