import type { TopRow } from '../../../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../../../statistics/time/time-range.js';
import { yieldingChunks } from '../../../../../database/chunks.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import { VisitorIds } from '../../rollup/daily-counts/visitor-ids.js';
import { collectVisitors, hasPathIds, type VisitorQuestion } from '../visitor-values.js';
import { type CachedDay, uncachedRanges } from './cached-days.js';
import { rankPaths, rankRows } from './rank.js';

/** Counts the sessions or users of each value: merges the sets of cached days, and what is read for the rest of the range. */
export async function topByVisitors(
  question: VisitorQuestion & { limit: number },
  selection: StatisticsQuery,
  range: TimeRange,
  days: CachedDay[] = [],
): Promise<TopRow[]> {
  const isPath = hasPathIds(question.dimension);
  const ids = new VisitorIds(isPath);
  // A set may be large, so the process does other work after each.
  for await (const some of yieldingChunks(days, 1)) for (const { counts } of some) ids.addStored(counts);
  for (const part of uncachedRanges(range, days)) await collectVisitors(question, selection, part, ids);
  const counts = await ids.count();
  const values = ids.listValues();
  if (isPath)
    return rankPaths(
      selection.manager,
      counts,
      question.limit,
      new Map([...values].map(([id, path]) => [id, path ?? ''])),
    );
  return rankRows(new Map([...counts].map(([id, count]) => [values.get(id) ?? null, count])), question.limit);
}
