import { Between, type EntityManager, type FindOptionsWhere } from 'typeorm';
import { DailyCount } from '../../rollup/tables/rollups.entity.js';
import { type TimeRange } from '../../../../../statistics/time/time-range.js';
import { DAY } from '../../../../../time/units.js';

/** Loads the cached counts of the days of a range, in their order, except those that were too large to cache. */
export async function loadCachedDays(
  manager: EntityManager,
  metric: string,
  range: TimeRange,
): Promise<CachedDay[]> {
  const days = await manager.find(DailyCount, {
    where: inRange(metric, range),
    order: { startedAt: 'ASC' },
  });
  return days.filter(hasCounts);
}

/** Returns how many characters the cached counts of the days of a range have. */
export async function countCharacters(
  manager: EntityManager,
  metric: string,
  range: TimeRange,
): Promise<number> {
  const found = await manager
    .createQueryBuilder(DailyCount, 'day')
    .select('SUM(LENGTH(day.counts))', 'characters')
    .where(inRange(metric, range))
    .getRawOne<{ characters: string | number | null }>();
  return Number(found?.characters ?? 0);
}

function inRange(metric: string, { since, until }: TimeRange): FindOptionsWhere<DailyCount> {
  return { metric, startedAt: Between(new Date(since), new Date(until - DAY)) };
}

export type CachedDay = DailyCount & { counts: string };

function hasCounts(day: DailyCount): day is CachedDay {
  return day.counts !== null;
}

/** Returns the parts of the range outside these days. */
export function uncachedRanges({ since, until }: TimeRange, days: DailyCount[]): TimeRange[] {
  const starts = days.map(({ startedAt }) => startedAt.getTime());
  const begins = [since, ...starts.map((start) => start + DAY)];
  return begins
    .map((begin, i) => ({ since: begin, until: starts[i] ?? until }))
    .filter((timeRange) => timeRange.since < timeRange.until);
}
