import type { TopRow } from '../../../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../../../statistics/time/time-range.js';
import { PAGE } from '../../../activity-query.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import { yieldingChunks } from '../../../../../database/chunks.js';
import { decodeNameCounts } from '../../rollup/name-counts.js';
import { findPathIds } from '../../rollup/path-dictionary.js';
import { decodePathIds, encodePathId } from '../../rollup/path-sequence.js';
import { queryActivities, findContainedVisits } from '../contained-visits.js';
import { rankPaths, rankRows } from './rank.js';
import type { ExactTopQuery } from '../../query-plan.js';

/** Ids that are assigned here are larger than those of stored paths. */
const FIRST_ID = 2 ** 40;

interface VisitRow {
  session: string;
  pathSequence: string | null;
  otherPaths: string | null;
  nameCounts: string | null;
  views: number;
  id: string;
}

/**
 * Counts sessions per path or per name. The paths or names of a session's visits are joined into one text of ids, so that each
 * counts once: `SELECT sessionId, pathSequence, otherPaths, nameCounts, views, id FROM djaffar_visit WHERE …`. For other visits,
 * activities are read: `SELECT DISTINCT sessionId, page FROM djaffar_activity WHERE visitId IN (…)`.
 */
export async function topBySessions(
  { dimension, limit }: ExactTopQuery,
  selection: StatisticsQuery,
  range: TimeRange,
): Promise<TopRow[]> {
  const isPath = dimension === 'path';
  const { containedSql, remainder } = await findContainedVisits(selection, range, [range.since]);
  const ids = new Map<string, number>();
  const assignId = (value: string): number => {
    const id = ids.get(value) ?? FIRST_ID + ids.size;
    ids.set(value, id);
    return id;
  };
  const sessions = new Map<string, string>();
  const add = (session: string, encoded: string): void =>
    void sessions.set(session, (sessions.get(session) ?? '') + encoded);
  const oversized: string[] = [];
  const visits = selection
    .visits(range)
    .andWhere(containedSql)
    .andWhere('visit.sessionId IS NOT NULL')
    .select('visit.sessionId', 'session');
  for (const column of ['pathSequence', ...(isPath ? ['otherPaths'] : ['nameCounts', 'views']), 'id'])
    visits.addSelect(`visit.${column}`, column);
  for await (const rows of yieldingChunks(await visits.getRawMany<VisitRow>())) {
    for (const { session, pathSequence, otherPaths, nameCounts, views, id } of rows) {
      if (pathSequence === null) oversized.push(id);
      else if (isPath) add(session, pathSequence + (otherPaths ?? ''));
      else {
        if (views > 0) add(session, encodePathId(assignId('view')));
        for (const [name] of nameCounts === null ? [] : decodeNameCounts(nameCounts))
          add(session, encodePathId(assignId(name)));
      }
    }
  }
  for (const query of [...remainder, ...queryActivities(oversized, selection, range)]) {
    const rows = await query
      .select('activity.sessionId', 'session')
      .addSelect(isPath ? PAGE : 'activity.name', 'value')
      .andWhere('activity.sessionId IS NOT NULL')
      .distinct()
      .getRawMany<Record<'session' | 'value', string>>();
    if (isPath)
      for (const [path, id] of await findPathIds(selection.manager, distinct(rows))) ids.set(path, id);
    for (const { session, value } of rows) add(session, encodePathId(assignId(value)));
  }
  const counts = new Map<number, number>();
  for await (const some of yieldingChunks([...sessions.values()]))
    for (const encoded of some)
      for (const id of new Set(decodePathIds(encoded))) counts.set(id, (counts.get(id) ?? 0) + 1);
  if (!isPath) return rankRows(new Map([...ids].map(([name, id]) => [name, counts.get(id) ?? 0])), limit);
  return rankPaths(selection.manager, counts, limit, new Map([...ids].map(([path, id]) => [id, path])));
}

function distinct(rows: { value: string }[]): string[] {
  return [...new Set(rows.map(({ value }) => value))];
}
