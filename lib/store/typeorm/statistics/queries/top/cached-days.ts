import { Between, type EntityManager } from 'typeorm';
import { DayCount } from '../../rollup/tables/daily-count.entity.js';
import { DAY, type Stretch } from '../../../../../statistics/time/time-range.js';

/** What is kept of the days of a range, in their order; none where there is too much of it. */
export async function keptDays(manager: EntityManager, what: string, range: Stretch): Promise<KeptDay[]> {
  const days = await manager.find(DayCount, {
    where: { what, startedAt: Between(new Date(range.since), new Date(range.until - DAY)) },
    order: { startedAt: 'ASC' },
  });
  return days.filter(hasCounts);
}

type KeptDay = DayCount & { counts: string };

function hasCounts(day: DayCount): day is KeptDay {
  return day.counts !== null;
}

/** What of the range is not of the days. */
export function besides({ since, until }: Stretch, days: DayCount[]): Stretch[] {
  const starts = days.map(({ startedAt }) => startedAt.getTime());
  const begins = [since, ...starts.map((start) => start + DAY)];
  return begins
    .map((begin, i) => ({ since: begin, until: starts[i] ?? until }))
    .filter((stretch) => stretch.since < stretch.until);
}
