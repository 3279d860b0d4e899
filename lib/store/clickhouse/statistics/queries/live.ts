import { SESSION_PROPERTIES } from '../../../../activity/session.js';
import { MAX_LIVE_VISITORS } from '../../../../statistics/parameter-bounds.js';
import type { Live, LiveVisitor } from '../../../../statistics/statistics.types.js';
import { isoIn, type Range } from '../../../../statistics/time/calendar.js';
import { PAGE } from '../../filter.js';
import { ID_ORDER } from '../../sql.js';
import { SESSION } from '../../tables.js';
import type { StatisticsQuery } from '../statistics-query.js';

const PROPERTIES = SESSION_PROPERTIES.join(', ');

type Row = Omit<LiveVisitor, 'date'> & { date: number };

/** @param range its end is ignored, because a client's clock may be ahead */
export async function live(query: StatisticsQuery, range: Range): Promise<Omit<Live, 'asOf'>> {
  const since = { since: range.since };
  const [[counts], visitors] = await Promise.all([
    query.ask<Record<'activities' | 'sessions' | 'users', number>>(
      `SELECT count() AS activities, uniqExact(sessionId) AS sessions, uniqExact(userId) AS users ${query.activities(since)}`,
    ),
    query.ask<Row>(
      `SELECT latest.sessionId AS session, userId AS user, userName, ${PROPERTIES}, date, page AS path, name
      FROM (SELECT sessionId, userId, userName, date, ${PAGE} AS page, name, ${ID_ORDER} AS place
        ${query.activities(since, 'sessionId IS NOT NULL OR userId IS NOT NULL')}
        ORDER BY date DESC, place DESC LIMIT 1 BY sessionId, if(sessionId IS NULL, userId, NULL)) AS latest
      LEFT JOIN (SELECT id, ${PROPERTIES} FROM ${SESSION} FINAL) AS session ON session.id = latest.sessionId
      ORDER BY date DESC, place DESC LIMIT ${MAX_LIVE_VISITORS}`,
    ),
  ]);
  return {
    since: isoIn(range, range.since),
    sessions: counts?.sessions ?? 0,
    users: counts?.users ?? 0,
    activities: counts?.activities ?? 0,
    visitors: visitors.map((visitor) => ({ ...visitor, date: isoIn(range, visitor.date) })),
  };
}
