import type { TopRow } from '../../../../../statistics/statistics.types.js';
import { type TimeRange } from '../../../../../statistics/time/time-range.js';
import { DAY } from '../../../../../time/units.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import { planTop, type ExactTopQuery } from '../../query-plan.js';
import { VISITED_PATHS } from '../../rollup/daily-count-cache.js';
import { countsOfPaths, countVisits, visitedPaths } from '../../rollup/daily-counts/visited-paths.js';
import { decodeNameCounts } from '../../rollup/name-counts.js';
import { findPathIds } from '../../rollup/path-dictionary.js';
import { queryActivities, type ContainedVisits, findContainedVisits } from '../contained-visits.js';
import { countsBy } from '../measures/activity-counts.js';
import { isVisitorQuestion } from '../visitor-values.js';
import { topByVisitors } from './by-visitors.js';
import { loadCachedDays, uncachedRanges } from './cached-days.js';
import { rankPaths, rankRows } from './rank.js';

/** Answers from the paths and names in visit rows. */
export function topFromVisitPaths(
  query: ExactTopQuery,
  selection: StatisticsQuery,
  range: TimeRange,
): Promise<TopRow[]> {
  if (isVisitorQuestion(query)) return topByVisitors(query, selection, range);
  return (query.dimension === 'path' ? topPaths : topNames)(query, selection, range);
}

/** The paths with the most views, or with the most visits. */
async function topPaths(
  query: ExactTopQuery,
  selection: StatisticsQuery,
  range: TimeRange,
): Promise<TopRow[]> {
  const { manager } = selection;
  const contained = await findContainedVisits(selection, range, [range.since]);
  const counts = await countPaths(query, selection, range, contained);
  const found = await countsBy('page', contained.remainder, query.measure);
  const ids = await findPathIds(manager, [...found.keys()]);
  // A path that only bots have viewed may have no id: it gets a negative one here.
  const names = new Map<number, string>();
  for (const [path, count] of found) {
    const id = ids.get(path) ?? -1 - names.size;
    if (!ids.has(path)) names.set(id, path);
    counts.set(id, (counts.get(id) ?? 0) + count);
  }
  return rankPaths(manager, counts, query.limit, names);
}

/** Counts by path id: from cached days, and from visits for the rest of the range. Oversized visits go to the remainder. */
async function countPaths(
  query: ExactTopQuery,
  selection: StatisticsQuery,
  range: TimeRange,
  { containedSql, remainder, maxVisitDuration }: ContainedVisits,
): Promise<Map<number, number>> {
  const measure = query.measure === 'views' ? 'views' : 'visits';
  const counts = new Map<number, number>();
  const add = (found: Iterable<[id: number, count: number]>, sign: 1 | -1 = 1): void => {
    for (const [id, count] of found) counts.set(id, (counts.get(id) ?? 0) + sign * count);
  };
  const isCached = planTop(query, selection.kind) === 'daily-cache';
  const days = isCached ? await loadCachedDays(selection.manager, VISITED_PATHS, range) : [];
  for (const { startedAt, counts: ofDay } of days) {
    add(countsOfPaths(ofDay));
    // Visits that continue after the range are counted from their activities.
    const crossing = { since: Math.max(+startedAt, range.until - maxVisitDuration), until: +startedAt + DAY };
    if (crossing.since >= crossing.until) continue;
    const visits = selection
      .visits(crossing)
      .andWhere('NOT visit.mixed')
      .andWhere('visit.endedAt >= :end', { end: range.until });
    add(await countVisits(selection.manager, visits), -1);
  }
  for (const part of uncachedRanges(range, days)) {
    const found = await visitedPaths(selection.visits(part).andWhere(containedSql), measure);
    add(found.counts);
    remainder.push(...queryActivities(found.oversized, selection, range));
  }
  return counts;
}

/** The names with the most activities, or with the most visits: `SELECT nameCounts, COUNT(*) FROM djaffar_visit … GROUP BY nameCounts` */
async function topNames(
  { measure, limit }: ExactTopQuery,
  selection: StatisticsQuery,
  range: TimeRange,
): Promise<TopRow[]> {
  const { containedSql, remainder } = await findContainedVisits(selection, range, [range.since]);
  const counts = new Map<string, number>();
  const add = (name: string, count: number): void => void counts.set(name, (counts.get(name) ?? 0) + count);
  const oversized: string[] = [];
  const oversizedId = 'CASE WHEN visit.pathSequence IS NULL THEN visit.id END';
  const rows = await selection
    .visits(range)
    .andWhere(containedSql)
    .select('visit.nameCounts', 'nameCounts')
    .addSelect('COUNT(*)', 'visits')
    .addSelect(
      measure === 'visits' ? 'SUM(CASE WHEN visit.views > 0 THEN 1 ELSE 0 END)' : 'SUM(visit.views)',
      'views',
    )
    .addSelect(oversizedId, 'id')
    .groupBy('visit.nameCounts')
    .addGroupBy(oversizedId)
    .getRawMany<{ nameCounts: string | null; id: string | null; visits: string; views: string }>();
  for (const { nameCounts, id, visits, views } of rows) {
    if (id !== null) {
      oversized.push(id);
      continue;
    }
    add('view', Number(views));
    for (const [name, count] of nameCounts === null ? [] : decodeNameCounts(nameCounts))
      add(name, (measure === 'visits' ? 1 : count) * Number(visits));
  }
  remainder.push(...queryActivities(oversized, selection, range));
  for (const [name, count] of await countsBy('name', remainder, measure)) add(name, count);
  return rankRows(counts, limit);
}
