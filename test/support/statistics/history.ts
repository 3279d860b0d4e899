import type { Activity, Question, Session, StatisticsFilter } from '../../../lib/index.js';
import { SESSION_PROPERTIES, type SessionProperty } from '../../../lib/activity/session.js';
import { byText, sum } from './order.js';
import { pageOf } from './pages.js';

/** `from` is inclusive, `to` exclusive. */
export interface Range {
  from: number;
  to: number;
}

/** A visit, derived from its activities. */
export interface VisitFacts {
  id: string;
  session: Session | null;
  sessionId: string | null;
  user: string | null;
  startedAt: number;
  endedAt: number;
  duration: number;
  bounced: boolean;
  views: number;
  entry: string;
  exit: string;
  referrer: string | null;
  utmSource: string | null;
  utmMedium: string | null;
  utmCampaign: string | null;
  utmTerm: string | null;
  utmContent: string | null;
  /** In order. */
  activities: Activity[];
}

/** The activities and visits of a question. */
export interface Facts {
  activities: Activity[];
  visits: VisitFacts[];
}

/** All stored activities; each question scans all of them. */
export class History {
  /** In order. */
  private readonly activities: Activity[];
  private readonly visitOf: Map<string | null, VisitFacts>;

  constructor(activities: Activity[]) {
    this.activities = activities.toSorted(
      (a, b) => a.date.getTime() - b.date.getTime() || byText(a.id, b.id),
    );
    const ids = new Set(this.activities.flatMap(({ visitId }) => visitId ?? []));
    this.visitOf = new Map([...ids].map((id) => [id, factsOf(id, this.activities)]));
  }

  /** Returns what matches the filter, at any time. */
  that(filter: StatisticsFilter): Facts {
    return {
      activities: this.activities.filter((activity) => {
        const visit = this.visitOf.get(activity.visitId);
        const user = visit ? visit.user : activity.userId;
        const who = { id: activity.visitId, sessionId: activity.sessionId, session: activity.session, user };
        return isDone(activity, filter) && isOf(who, filter) && isFrom(visit, filter);
      }),
      visits: [...this.visitOf.values()].filter(
        (visit) =>
          visit.activities.some((activity) => isDone(activity, filter)) &&
          isOf(visit, filter) &&
          isFrom(visit, filter),
      ),
    };
  }

  visitWith({ visitId }: Activity): VisitFacts | undefined {
    return this.visitOf.get(visitId);
  }

  /** Returns the latest name of the user in the latest visit. */
  nameOf(user: string | null): string | null {
    const latest = [...this.visitOf.values()]
      .filter((visit) => visit.user === user)
      .sort((a, b) => a.startedAt - b.startedAt || byText(a.id, b.id))
      .at(-1);
    const named = latest?.activities.findLast(({ userId, userName }) => userId === user && userName !== null);
    return named?.userName ?? null;
  }

  /** Returns the latest name of the group. */
  nameOfGroup(group: string | null): string | null {
    const named = this.activities.findLast(
      ({ groupId, groupName }) => groupId === group && groupName !== null,
    );
    return named?.groupName ?? null;
  }

  /** Returns the names that a user has had since an instant. */
  namesSince(user: string, from: number): string[] {
    return this.activities.flatMap(({ userId, userName, date }) =>
      userId === user && date.getTime() >= from ? (userName ?? []) : [],
    );
  }

  /** Returns the names that a group has had since an instant. */
  namesOfGroupSince(group: string, from: number): string[] {
    return this.activities.flatMap(({ groupId, groupName, date }) =>
      groupId === group && date.getTime() >= from ? (groupName ?? []) : [],
    );
  }

  /** Returns what matches the filter and counts in the range of the question. */
  of(question: Question): Facts {
    return during(rangeOf(question), this.that(question));
  }
}

/** Returns the activities in a range, and the visits that start in it. */
export function during({ from, to }: Range, { activities, visits }: Facts): Facts {
  return {
    activities: activities.filter(({ date }) => date.getTime() >= from && date.getTime() < to),
    visits: visits.filter(({ startedAt }) => startedAt >= from && startedAt < to),
  };
}

/** The model has no default range, because it has no clock. */
export function rangeOf({ from, to }: Pick<Question, 'from' | 'to'>): Range {
  if (from === undefined || to === undefined) throw new Error('the model has no default range');
  return { from: instantOf(from), to: instantOf(to) };
}

/** Whether an activity matches the activity properties of a filter, or the step of a funnel. */
export function isDone(activity: Activity, filter: StatisticsFilter): boolean {
  const { user, group, path, route, subject, name, ip, properties = {} } = filter;
  return (
    (user === null || isMatching(activity.userId, user)) &&
    isMatching(activity.groupId, oneOf(group)) &&
    isMatching(activity.name, name) &&
    isMatching(activity.ipAddress, ip) &&
    isMatching(activity.route, route, isAt) &&
    isMatching(activity.subject, oneOf(subject)) &&
    isMatching(pageOf(activity.path), path, isAt) &&
    Object.entries(properties).every(([key, asked]) => hasProperty(activity, key, asked))
  );
}

/** A pair of a type and an id is one value, not two. */
function oneOf(subject: unknown): unknown {
  const isPair = Array.isArray(subject) && subject.length === 2 && !String(subject[0]).includes(':');
  return isPair ? subject.join(':') : subject;
}

/** True if a value matches a filter: one value, any of several, or conditions. */
export function isMatching(
  value: string | null,
  asked: unknown,
  isEqual = (a: string, b: string): boolean => a === b,
): boolean {
  const isOne = (one: unknown): boolean =>
    one === null || value === null ? one === value : isEqual(value, textOf(one));
  if (asked === undefined) return true;
  if (Array.isArray(asked)) return asked.some(isOne);
  if (!isConditions(asked)) return isOne(asked);
  const { not, startsWith } = asked;
  return (
    (not === undefined || ![not].flat().some(isOne)) &&
    (startsWith === undefined || (value !== null && value.startsWith(startsWith)))
  );
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

function hasProperty(activity: Activity, key: string, asked: unknown): boolean {
  const number = activity.properties?.[key];
  const { gte, lte } = isConditions(asked) ? asked : {};
  return (
    isMatching(propertyOf(activity, key), asked) &&
    (gte === undefined || (typeof number === 'number' && number >= gte)) &&
    (lte === undefined || (typeof number === 'number' && number <= lte))
  );
}

interface Conditions {
  not?: unknown;
  startsWith?: string;
  gte?: number;
  lte?: number;
}

function isConditions(asked: unknown): asked is Conditions {
  return typeof asked === 'object' && asked !== null && !Array.isArray(asked);
}

/** Whether a page is equal, or begins with the text before a trailing `*`. */
export function isAt(page: string, asked: string): boolean {
  return asked.endsWith('*') ? page.startsWith(asked.slice(0, -1)) : page === asked;
}

export function isSessionProperty(dimension: string): dimension is SessionProperty {
  return SESSION_PROPERTIES.some((each) => each === dimension);
}

/** Returns a string, number or boolean as text; `null` for other values. */
export function propertyOf({ properties }: Activity, key: string): string | null {
  const value = properties && Object.hasOwn(properties, key) ? properties[key] : undefined;
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? String(value)
    : null;
}

/** Whether a visit, or the visit and the session of an activity, matches the filter. */
function isOf(
  {
    id,
    sessionId,
    session,
    user,
  }: Record<'id' | 'sessionId' | 'user', string | null> & {
    session: Session | null;
  },
  filter: StatisticsFilter,
): boolean {
  return (
    isMatching(id, filter.visit) &&
    isMatching(sessionId, filter.session) &&
    (filter.user !== null || user === null) &&
    SESSION_PROPERTIES.every((property) => isMatching(session?.[property] ?? null, filter[property])) &&
    (filter.bots === true || !session?.bot)
  );
}

/** Whether a visit matches source, entry and exit of the filter; false without a visit. */
function isFrom(visit: VisitFacts | undefined, filter: StatisticsFilter): boolean {
  return (
    (['entry', 'exit'] as const).every(
      (end) =>
        filter[end] === undefined || (visit !== undefined && isMatching(visit[end], filter[end], isAt)),
    ) &&
    (['utmSource', 'utmMedium', 'utmCampaign', 'utmTerm', 'utmContent'] as const).every(
      (property) =>
        filter[property] === undefined ||
        (visit !== undefined && isMatching(visit[property], filter[property])),
    ) &&
    (filter.referrer === undefined ||
      (visit !== undefined &&
        isMatching(
          visit.referrer,
          filter.referrer,
          (referrer, asked) => hostOf(`http://${asked}`, '') === referrer || asked === referrer,
        )))
  );
}

function factsOf(id: string, all: Activity[]): VisitFacts {
  const activities = all.filter(({ visitId }) => visitId === id);
  const actions = activities.filter(({ name }) => name !== 'engagement');
  const [first] = actions.length > 0 ? actions : activities;
  const last = (actions.length > 0 ? actions : activities).at(-1);
  if (!first || !last) throw new Error(`the visit ${id} has no activities`);
  const dates = activities.map(({ date }) => date.getTime());
  const lastAction = actions.at(-1)?.date ?? new Date(0);
  const after = activities.filter(({ date, name }) => name === 'engagement' && date > lastAction);
  const inView = sum(after.map(({ properties }) => visibleOf(properties?.visible)));
  const acted = actions.length > 0 ? last.date.getTime() - first.date.getTime() : 0;
  return {
    id,
    session: first.session,
    sessionId: first.sessionId,
    user: activities.findLast(({ userId }) => userId !== null)?.userId ?? null,
    startedAt: Math.min(...dates),
    endedAt: Math.max(...dates),
    duration: Math.floor(Math.min(acted + inView, 86_400_000) / 1000),
    bounced: actions.length === 1,
    views: activities.filter(({ name }) => name === 'view').length,
    entry: pageOf(first.path),
    exit: pageOf(last.path),
    referrer: hostOf(first.referer),
    utmSource: parameterOf(first.path, 'utm_source'),
    utmMedium: parameterOf(first.path, 'utm_medium'),
    utmCampaign: parameterOf(first.path, 'utm_campaign'),
    utmTerm: parameterOf(first.path, 'utm_term'),
    utmContent: parameterOf(first.path, 'utm_content'),
    activities,
  };
}

function visibleOf(visible: unknown): number {
  return typeof visible === 'number' && visible > 0 ? Math.min(visible, 86_400_000) : 0;
}

/** In Unicode, lower case, without a final dot and `www.`. */
function hostOf(referer: string | null, www = 'www.'): string | null {
  try {
    // Not URL.canParse: after many calls, it is wrong for letters outside of ASCII (Node 20.20).
    const { protocol, hostname } = new URL(referer ?? '');
    const host = /^(https?|android-app):$/.test(protocol) ? hostname.toLowerCase().replace(/\.$/, '') : '';
    const name = host.startsWith(www) ? host.slice(www.length) : host;
    return name.replace('xn--bcher-kva', 'bücher') || null;
  } catch {
    return null;
  }
}

function parameterOf(path: string, parameter: string): string | null {
  const query = /^[^?#]*\?([^#]*)/.exec(path)?.[1];
  const found = [...new URLSearchParams(query?.replaceAll('&amp;', '&'))];
  const value = found.find(([key]) => key.toLowerCase() === parameter)?.[1];
  // No database can store NUL.
  return value ? Array.from(value.replaceAll('\0', '\uFFFD')).slice(0, 255).join('') : null;
}

/** A text without an offset is UTC. */
function instantOf(at: Date | string): number {
  if (at instanceof Date) return at.getTime();
  return Date.parse(/(?:Z|[+-]\d\d:\d\d)$/.test(at) ? at : `${at}Z`);
}
