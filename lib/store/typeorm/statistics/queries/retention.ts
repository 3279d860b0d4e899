import { listCohortStarts, intervalSql, isoIn, type Range } from '../../../../statistics/time/calendar.js';
import type { StatisticsQuery } from '../filter/statistics-query.js';
import type { Retention } from '../../../../statistics/statistics.types.js';

type Asked = Pick<Retention, 'period' | 'by'>;

export async function retention(
  selection: StatisticsQuery,
  range: Range,
  { period, by }: Asked,
): Promise<Omit<Retention, 'asOf'>> {
  const starts = listCohortStarts(range, period);
  const key = by === 'user' ? 'visit.userId' : 'visit.sessionId';
  const firsts = selection
    .visits({ until: range.until })
    .select(key, 'id')
    .addSelect('MIN(visit.startedAt)', 'first')
    .andWhere(`${key} IS NOT NULL`)
    .groupBy(key)
    .having(`MIN(visit.startedAt) >= ${range.since}`);
  // A visitor's first visit in the range has no previous visit in it.
  const visits = selection
    .visits(range)
    .select(`DISTINCT ${key}`, 'id')
    .addSelect(intervalSql('visit.startedAt', starts), 'period')
    .andWhere(`${key} IS NOT NULL`);
  const { driver } = selection.manager.connection;
  const [first, id, at] = ['first', 'id', 'period'].map((name) => driver.escape(name));
  const rows = await selection.manager
    .createQueryBuilder()
    .select(intervalSql(`newcomer.${first}`, starts), 'cohort')
    .addSelect(`seen.${at}`, 'period')
    .addSelect('COUNT(*)', 'count')
    .from(`(${firsts.getQuery()})`, 'newcomer')
    .innerJoin(`(${visits.getQuery()})`, 'seen', `seen.${id} = newcomer.${id}`)
    .groupBy('cohort')
    .addGroupBy(`seen.${at}`)
    .setParameters({ ...firsts.getParameters(), ...visits.getParameters() })
    .getRawMany<Record<'cohort' | 'period' | 'count', string | number>>();
  const returned = starts.map((_, cohort) => starts.slice(cohort).map(() => 0));
  for (const row of rows) {
    const cohort = returned[Number(row.cohort)];
    if (cohort) cohort[Number(row.period) - Number(row.cohort)] = Number(row.count);
  }
  return {
    period,
    by,
    timeZone: range.timeZone,
    cohorts: starts.map((start, i) => ({
      date: isoIn(range, start),
      size: returned[i]?.[0] ?? 0,
      returned: returned[i] ?? [],
    })),
  };
}
