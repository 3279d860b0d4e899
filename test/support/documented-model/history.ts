import { domainToUnicode } from 'node:url';
import type { Activity, Session } from '../../../lib/index.js';

/**
 * A second model of the statistics, written from docs/statistics.md alone by somebody who had not read the library. It must stay
 * so: whoever changes it reads the documentation, and not the code. Everything is computed by loops over all activities.
 */
export interface History {
  /** By date, then by id. */
  activities: HistoryActivity[];
  visits: Visit[];
}

export interface HistoryActivity {
  stored: Activity;
  /** Milliseconds since 1970. */
  time: number;
  page: string;
  visit: Visit | undefined;
}

export const UTM_PARAMETERS = {
  utmSource: 'utm_source',
  utmMedium: 'utm_medium',
  utmCampaign: 'utm_campaign',
  utmTerm: 'utm_term',
  utmContent: 'utm_content',
} as const;
export type UtmField = keyof typeof UTM_PARAMETERS;

export interface Visit extends Record<UtmField, string | null> {
  id: string;
  /** All activities, by date, then by id. */
  activities: HistoryActivity[];
  sessionId: string | null;
  session: Session | null;
  user: string | null;
  /** Milliseconds since 1970. */
  start: number;
  end: number;
  /** Whole seconds. */
  duration: number;
  bounced: boolean;
  entry: string;
  exit: string;
  referrer: string | null;
}

const SECOND = 1000;
const MAX_DURATION = 86_400;

export function buildHistory(stored: readonly Activity[]): History {
  const activities = stored.map((activity): HistoryActivity => ({
    stored: activity,
    time: activity.date.getTime(),
    page: pageOf(activity.path),
    visit: undefined,
  }));
  activities.sort((a, b) => a.time - b.time || (a.stored.id < b.stored.id ? -1 : 1));
  const byVisit = new Map<string, HistoryActivity[]>();
  for (const activity of activities) {
    const id = activity.stored.visitId;
    if (id !== null) byVisit.set(id, [...(byVisit.get(id) ?? []), activity]);
  }
  const visits: Visit[] = [];
  for (const [id, ofVisit] of byVisit) {
    const visit = buildVisit(id, ofVisit);
    visits.push(visit);
    for (const activity of ofVisit) activity.visit = visit;
  }
  return { activities, visits };
}

function buildVisit(id: string, activities: HistoryActivity[]): Visit {
  const others = activities.filter(({ stored }) => stored.name !== 'engagement');
  const counted = others.length > 0 ? others : activities;
  const first = counted.at(0)!;
  const last = counted.at(-1)!;
  const utm = (field: UtmField): string | null => parameterOf(first.stored.path, UTM_PARAMETERS[field]);
  return {
    id,
    activities,
    sessionId: first.stored.sessionId,
    session: first.stored.session,
    user: activities.findLast(({ stored }) => stored.userId !== null)?.stored.userId ?? null,
    start: first.time,
    end: last.time,
    duration: Math.min(
      Math.floor((last.time - first.time + visibleAfter(last, activities)) / SECOND),
      MAX_DURATION,
    ),
    bounced: others.filter(({ stored }) => stored.interactive !== false).length === 1,
    entry: first.page,
    exit: last.page,
    referrer: referrerOf(first.stored.referer),
    utmSource: utm('utmSource'),
    utmMedium: utm('utmMedium'),
    utmCampaign: utm('utmCampaign'),
    utmTerm: utm('utmTerm'),
    utmContent: utm('utmContent'),
  };
}

/** The milliseconds for which the page of the last activity was visible after it. */
function visibleAfter(last: HistoryActivity, activities: readonly HistoryActivity[]): number {
  let visible = 0;
  let since = last.time;
  for (const { stored, page, time } of activities) {
    const reported = stored.properties?.['visible'];
    if (stored.name !== 'engagement' || page !== last.page || time < since) continue;
    if (typeof reported === 'number') visible += Math.max(0, Math.min(reported, time - since));
    since = time;
  }
  return visible;
}

/** The path without its query string and trailing slash; a fragment stays if it is a path itself. */
export function pageOf(path: string): string {
  const hash = path.indexOf('#');
  const [before, fragment] = hash < 0 ? [path, ''] : [path.slice(0, hash), path.slice(hash)];
  const isRoute = /^#!?\//.test(fragment);
  const base = withoutQueryAndSlash(before);
  if (!isRoute) return base;
  // `/app/#/cart` is `/app#/cart`, and `#/cart` has nothing before it.
  return base + withoutQueryAndSlash(fragment);
}

function withoutQueryAndSlash(text: string): string {
  const path = text.split('?')[0]!;
  return path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path;
}

function parameterOf(path: string, name: string): string | null {
  const query = path.split('#')[0]!.split('?').slice(1).join('?');
  for (const [key, value] of new URLSearchParams(query))
    if (key.toLowerCase() === name && value !== '') return value;
  return null;
}

/** The host or app of an absolute URL. */
function referrerOf(referer: string | null): string | null {
  const host = /^[a-z][a-z\d+.-]*:\/\/(?:[^/?#]*@)?([^/?#:]+)/i.exec(referer ?? '')?.[1];
  return host === undefined ? null : hostOf(host).replace(/^www\./, '');
}

/** A host in Unicode and lower case, without a final dot. */
export function hostOf(host: string): string {
  const lower = host.toLowerCase().replace(/\.$/, '');
  return domainToUnicode(lower) || lower;
}
