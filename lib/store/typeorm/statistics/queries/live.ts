import { SESSION_PROPERTIES } from '../../../../activity/session.js';
import { isoIn, type Range } from '../../../../statistics/time/calendar.js';
import { MAX_LIVE_VISITORS } from '../../../../statistics/parameter-bounds.js';
import { PAGE } from '../../activity-query.js';
import type { StatisticsQuery } from '../filter/statistics-query.js';
import type { Live, LiveVisitor } from '../../../../statistics/statistics.types.js';

const COLUMNS = ['session', 'user', 'userName', ...SESSION_PROPERTIES, 'date', 'path', 'name'];

type Row = Omit<LiveVisitor, 'date'> & { date: string | number };

/** @param range without its end, because a client's clock may be ahead */
export async function live(selection: StatisticsQuery, range: Range): Promise<Omit<Live, 'asOf'>> {
  const since = { since: range.since };
  const counts = await selection
    .activities(since)
    .select('COUNT(*)', 'activities')
    .addSelect('COUNT(DISTINCT activity.sessionId)', 'sessions')
    .addSelect('COUNT(DISTINCT activity.userId)', 'users')
    .getRawOne<Record<'activities' | 'sessions' | 'users', string | number>>();
  return {
    since: isoIn(range, range.since),
    sessions: Number(counts?.sessions),
    users: Number(counts?.users),
    activities: Number(counts?.activities),
    visitors: (await latest(selection, since)).map((visitor) => ({
      ...visitor,
      date: isoIn(range, Number(visitor.date)),
    })),
  };
}

/** Finds the last activity of each visitor. */
function latest(selection: StatisticsQuery, since: { since: number }): Promise<Row[]> {
  const { manager, dialect } = selection;
  const id = dialect.idOrder('activity.id');
  const visitor = `activity.sessionId, CASE WHEN activity.sessionId IS NULL THEN activity.userId END`;
  const query = selection
    .activities(since, { withSession: true })
    .select('activity.sessionId', 'session')
    .addSelect('activity.userId', 'user')
    .addSelect('activity.userName', 'userName')
    .addSelect('activity.date', 'date')
    .addSelect(PAGE, 'path')
    .addSelect('activity.name', 'name')
    .addSelect(id, 'id')
    .addSelect(`ROW_NUMBER() OVER (PARTITION BY ${visitor} ORDER BY activity.date DESC, ${id} DESC)`, 'place')
    .andWhere('(activity.sessionId IS NOT NULL OR activity.userId IS NOT NULL)');
  for (const property of SESSION_PROPERTIES) query.addSelect(`session.${property}`, property);
  const column = (name: string): string => `latest.${manager.connection.driver.escape(name)}`;
  return manager
    .createQueryBuilder()
    .select(COLUMNS.map(column).join(', '))
    .from(`(${query.getQuery()})`, 'latest')
    .where(`${column('place')} = 1`)
    .setParameters(query.getParameters())
    .orderBy(column('date'), 'DESC')
    .addOrderBy(column('id'), 'DESC')
    .limit(MAX_LIVE_VISITORS)
    .getRawMany<Row>();
}
