import type { Activity, Session } from '../../../lib/index.js';
import { byText } from './order.js';
import { pageOf, parameterOf, referrerOf } from './sources.js';

/**
 * The model of the statistics. It was written from docs/statistics.md alone, by somebody who had not read the library, so that the
 * two do not share a mistake. Change it after the documentation, never after the code. It loops over all activities.
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

const UTM_PARAMETERS = {
  utmSource: 'utm_source',
  utmMedium: 'utm_medium',
  utmCampaign: 'utm_campaign',
  utmTerm: 'utm_term',
  utmContent: 'utm_content',
} as const;
type UtmField = keyof typeof UTM_PARAMETERS;

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
  activities.sort((a, b) => a.time - b.time || byText(a.stored.id, b.stored.id));
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
  const lasted = others.length > 0 ? last.time - first.time : 0;
  const utm = (field: UtmField): string | null => parameterOf(first.stored.path, UTM_PARAMETERS[field]);
  return {
    id,
    activities,
    sessionId: first.stored.sessionId,
    session: first.stored.session,
    user: activities.findLast(({ stored }) => stored.userId !== null)?.stored.userId ?? null,
    start: activities.at(0)!.time,
    end: activities.at(-1)!.time,
    duration: Math.min(
      Math.floor((lasted + visibleAfter(others.at(-1)?.time, activities)) / SECOND),
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

/** The milliseconds for which pages were visible after the last other activity. */
function visibleAfter(last = Number.NEGATIVE_INFINITY, activities: readonly HistoryActivity[]): number {
  let visible = 0;
  for (const { stored, time } of activities) {
    const reported = stored.properties?.['visible'];
    if (stored.name === 'engagement' && typeof reported === 'number' && reported > 0 && time > last)
      visible += Math.min(reported, time - last, MAX_DURATION * SECOND);
  }
  return visible;
}
