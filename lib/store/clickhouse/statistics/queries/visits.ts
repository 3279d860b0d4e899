import { SESSION_COLUMNS } from '../../../../activity/activity-columns.js';
import { Session } from '../../../../activity/session.js';
import type { Page } from '../../../../activity/pagination.js';
import type { VisitsQuery } from '../../../../statistics/statistics.store.js';
import {
  MAX_ACTIVITIES_OF_VISIT,
  type VisitActivity,
  type VisitRecord,
} from '../../../../statistics/statistics.types.js';
import { isoIn, type Range } from '../../../../statistics/time/calendar.js';
import { encodeVisitCursor } from '../../../../statistics/visit-cursor.js';
import { all, ID_ORDER, integer, text, texts } from '../../sql.js';
import { ACTIVITY, SESSION } from '../../tables.js';
import type { StatisticsQuery } from '../statistics-query.js';

interface VisitRow extends Omit<
  VisitRecord,
  'session' | 'user' | 'startedAt' | 'endedAt' | 'count' | 'activities'
> {
  sessionId: string | null;
  userId: string | null;
  startedAt: number;
  endedAt: number;
  activities: number;
}

type ActivityRow = Omit<VisitActivity, 'date' | 'properties'> & {
  visitId: string;
  date: number;
  properties: string | null;
};

const COLUMNS = `id, sessionId, userId, startedAt, endedAt, activities, views, bounced, duration, entry, exit, referrer,
  utmSource, utmMedium, utmCampaign, utmTerm, utmContent`;

export async function visits(
  query: StatisticsQuery,
  range: Range,
  { limit, order, after }: VisitsQuery,
): Promise<Page<VisitRecord>> {
  const sign = order === 'asc' ? '>' : '<';
  const place = after && `(startedAt, id) ${sign} (${integer(after.start)}, ${text(after.visit)})`;
  const direction = order === 'asc' ? 'ASC' : 'DESC';
  const rows = await query.ask<VisitRow>(
    `SELECT ${COLUMNS} ${query.visits(range, ...(place ? [place] : []))} ORDER BY startedAt ${direction}, id ${direction} LIMIT ${limit + 1}`,
  );
  const page = rows.slice(0, limit);
  const [sessions, activities] = await Promise.all([loadSessions(query, page), loadActivities(query, page)]);
  const last = page.at(-1);
  return {
    items: page.map(({ sessionId, userId: user, activities: count, ...visit }) => ({
      ...visit,
      user,
      count,
      session: (sessionId !== null && sessions.get(sessionId)) || null,
      startedAt: isoIn(range, visit.startedAt),
      endedAt: isoIn(range, visit.endedAt),
      activities: (activities.get(visit.id) ?? []).map((activity) => toVisitActivity(activity, range)),
    })),
    next: rows.length > limit && last ? encodeVisitCursor({ start: last.startedAt, visit: last.id }) : null,
  };
}

function toVisitActivity(activity: ActivityRow, range: Range): VisitActivity {
  const { id, name, path, referer, subject, userId, userName, date, properties } = activity;
  return {
    id,
    name,
    path,
    referer,
    subject,
    userId,
    userName,
    date: isoIn(range, date),
    properties: properties === null ? null : JSON.parse(properties),
  };
}

async function loadSessions(query: StatisticsQuery, page: VisitRow[]): Promise<Map<string, Session>> {
  const ids = page.flatMap(({ sessionId }) => sessionId ?? []);
  if (ids.length === 0) return new Map();
  const rows = await query.ask<Omit<Session, 'startedAt'> & { startedAt: number }>(
    `SELECT ${SESSION_COLUMNS.join(', ')} FROM ${SESSION} FINAL WHERE id IN ${texts(ids)}`,
  );
  const starts = await startsInScope(query, ids);
  return new Map(
    rows.map((row) => {
      const startedAt = new Date(starts.get(row.id) ?? row.startedAt);
      return [row.id, Object.assign(new Session(), row, { startedAt })];
    }),
  );
}

/** Returns when each session had its first activity in the scope, which is shown as its start: earlier ones may be outside of it. */
async function startsInScope(query: StatisticsQuery, sessions: string[]): Promise<Map<string, number>> {
  if (query.scope.length === 0) return new Map();
  const rows = await query.ask<{ id: string; first: number }>(
    `SELECT assumeNotNull(sessionId) AS id, min(date) AS first FROM ${ACTIVITY}
    WHERE ${all([`sessionId IN ${texts(sessions)}`, ...query.scope])} GROUP BY sessionId`,
  );
  return new Map(rows.map(({ id, first }) => [id, first]));
}

/** Loads the first {@link MAX_ACTIVITIES_OF_VISIT} activities of each visit. */
async function loadActivities(query: StatisticsQuery, page: VisitRow[]): Promise<Map<string, ActivityRow[]>> {
  const found = new Map<string, ActivityRow[]>();
  if (page.length === 0) return found;
  const rows = await query.ask<ActivityRow>(
    `SELECT visitId, toString(id) AS id, name, path, referer, subject, userId, userName, date, properties FROM ${ACTIVITY}
    WHERE ${all([
      `date >= ${Math.min(...page.map(({ startedAt }) => startedAt))}`,
      `date <= ${Math.max(...page.map(({ endedAt }) => endedAt))}`,
      `visitId IN ${texts(page.map(({ id }) => id))}`,
    ])}
    ORDER BY date, ${ID_ORDER} LIMIT ${MAX_ACTIVITIES_OF_VISIT} BY visitId`,
  );
  for (const row of rows) {
    const ofVisit = found.get(row.visitId);
    if (ofVisit) ofVisit.push(row);
    else found.set(row.visitId, [row]);
  }
  return found;
}
