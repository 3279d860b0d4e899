import { ENGAGEMENT } from '../../../../../activity/engagement.js';
import { intervalSql } from '../../../../../statistics/time/calendar.js';
import type { Figures } from './measures.types.js';
import type { Selection } from '../../filter/statistics-query.js';
import type { Stretch } from '../../../../../statistics/time/time-range.js';

/** Whether there is anything to count that is of no visit; `engagement` alone makes nobody a visitor. */
export async function isWithoutVisit(
  key: 'userId' | 'sessionId',
  selection: Selection,
  range: Stretch,
): Promise<boolean> {
  const one = await selection
    .activities(range)
    .select('activity.id')
    .andWhere('activity.visitId IS NULL')
    .andWhere('activity.name <> :engagement', { engagement: ENGAGEMENT })
    .andWhere(`activity.${key} IS NOT NULL`)
    .limit(1)
    .getRawOne<object>();
  return one !== undefined;
}

/** How many users or sessions there were: of visits, and of what was done without one. */
export async function different(
  key: 'userId' | 'sessionId',
  selection: Selection,
  range: Stretch,
  starts: number[],
): Promise<Figures> {
  const ofVisits = selection
    .visits(range)
    .select(intervalSql('visit.startedAt', starts), 'n')
    .addSelect(`visit.${key}`, 'id')
    .andWhere(`visit.${key} IS NOT NULL`);
  const ofOthers = selection
    .activities(range)
    .select(intervalSql('activity.date', starts), 'n')
    .addSelect(`activity.${key}`, 'id')
    .andWhere('activity.visitId IS NULL')
    .andWhere('activity.name <> :engagement', { engagement: ENGAGEMENT })
    .andWhere(`activity.${key} IS NOT NULL`);
  const rows = await selection.manager
    .createQueryBuilder()
    .select('n')
    .addSelect('COUNT(*)', 'count')
    .from(`(${ofVisits.getQuery()} UNION ${ofOthers.getQuery()})`, 'seen')
    .setParameters({ ...ofVisits.getParameters(), ...ofOthers.getParameters() })
    .groupBy('n')
    .getRawMany<Record<'n' | 'count', string | number>>();
  const counts = starts.map(() => 0);
  for (const { n, count } of rows) counts[Number(n)] = Number(count);
  return counts;
}
