import type { TopRow } from '../../../../../statistics/statistics.types.js';
import { type TimeRange } from '../../../../../statistics/time/time-range.js';
import { DAY } from '../../../../../time/units.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import { planTop, type ExactTopQuery } from '../../query-plan.js';
import { VISITED_NAMES } from '../../rollup/daily-counts/visited-names.js';
import { VISITED_PATHS } from '../../rollup/daily-counts/visited-paths.js';
import { countVisits, type VisitedValues } from '../../rollup/daily-counts/visited-values.js';
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
  const counts = await countValues(VISITED_PATHS, query, selection, range, contained);
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

/** The names with the most activities, or with the most visits. */
async function topNames(
  query: ExactTopQuery,
  selection: StatisticsQuery,
  range: TimeRange,
): Promise<TopRow[]> {
  const contained = await findContainedVisits(selection, range, [range.since]);
  const counts = await countValues(VISITED_NAMES, query, selection, range, contained);
  for (const [name, count] of await countsBy('name', contained.remainder, query.measure))
    counts.set(name, (counts.get(name) ?? 0) + count);
  return rankRows(counts, query.limit);
}

/** Counts from cached days, and from visits for the rest of the range. Oversized visits go to the remainder. */
async function countValues<Value>(
  values: VisitedValues<Value>,
  query: ExactTopQuery,
  selection: StatisticsQuery,
  range: TimeRange,
  { containedSql, remainder, maxVisitDuration }: ContainedVisits,
): Promise<Map<Value, number>> {
  const counts = new Map<Value, number>();
  const add = (found: Iterable<[value: Value, count: number]>, sign: 1 | -1 = 1): void => {
    for (const [value, count] of found) counts.set(value, (counts.get(value) ?? 0) + sign * count);
  };
  const isCached = planTop(query, selection.kind) === 'daily-cache';
  const days = isCached ? await loadCachedDays(selection.manager, values.metric, range) : [];
  for (const { startedAt, counts: ofDay } of days) {
    add(values.decode(ofDay));
    // Visits that continue after the range are counted from their activities.
    const crossing = { since: Math.max(+startedAt, range.until - maxVisitDuration), until: +startedAt + DAY };
    if (crossing.since >= crossing.until) continue;
    const visits = selection
      .visits(crossing)
      .andWhere('NOT visit.mixed')
      .andWhere('visit.endedAt >= :end', { end: range.until });
    add(await countVisits(values, selection.manager, visits), -1);
  }
  for (const part of uncachedRanges(range, days)) {
    const found = await values.count(selection.visits(part).andWhere(containedSql), query.measure);
    add(found.counts);
    remainder.push(...queryActivities(found.oversized, selection, range));
  }
  return counts;
}
