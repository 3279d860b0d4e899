import { In, type ObjectLiteral, type SelectQueryBuilder } from 'typeorm';
import type { Activity } from '../../../../activity/activity.js';
import { intervalSql } from '../../../../statistics/time/calendar.js';
import { chunks } from '../../../../database/chunks.js';
import type { StatisticsQuery } from '../filter/statistics-query.js';
import { inAnyRange } from '../rollup/time-ranges.js';
import type { TimeRange } from '../../../../statistics/time/time-range.js';
import { RollupState } from '../rollup/tables/rollup-state.entity.js';

/** Visits in one statement. */
const MANY = 5000;

/** The two ways to count the activities of a range, for visits that match a filter. */
export interface ContainedVisits {
  /** SQL, alias `visit`: true if all activities of a visit are in one interval, so that its row has their counts. */
  containedSql: string;
  /** Activities to count individually: of visits that cross an interval boundary, of mixed visits, and of no visit. */
  remainder: SelectQueryBuilder<Activity>[];
  /** Longest duration (ms) of a visit that is not mixed. */
  maxVisitDuration: number;
}

/** @param starts of the intervals; the first may be before the range */
export async function findContainedVisits(
  selection: StatisticsQuery,
  { since, until }: TimeRange,
  starts: number[],
): Promise<ContainedVisits> {
  const { maxVisitDuration, maxMixedDuration } = await selection.manager.findOneByOrFail(RollupState, {
    id: 1,
  });
  const edges = [since, ...starts.slice(1), until];
  // SQL of the end of the interval in which a visit started; for a visit before the range, the start of the range.
  const end = intervalSql('visit.startedAt', [0, ...edges.slice(0, -1)], (_, n) => edges[n] ?? until);
  const range = { since, until };
  const reach = { since: Math.max(0, since - maxVisitDuration), until };
  const beforeEdges = edges.map((edge) => ({ since: Math.max(0, edge - maxVisitDuration), until: edge }));
  const crossing = await loadIds(
    selection
      .visits(reach)
      .andWhere(inAnyRange('visit.startedAt', beforeEdges))
      .andWhere('NOT visit.mixed')
      .andWhere(`visit.endedAt >= ${end}`),
  );
  const mixed = await loadIds(
    selection.allVisits({ since: Math.max(0, since - maxMixedDuration), until }).andWhere('visit.mixed'),
  );
  const others = queryActivities([...crossing, ...mixed], selection, range);
  return {
    containedSql: `NOT visit.mixed AND visit.endedAt < ${end}`,
    remainder: [...others, selection.activities(range).andWhere('activity.visitId IS NULL')],
    maxVisitDuration,
  };
}

/** The matching activities of these visits. */
export function queryActivities(
  visits: string[],
  selection: StatisticsQuery,
  range: TimeRange,
): SelectQueryBuilder<Activity>[] {
  return chunks(visits, MANY).map((ids) => selection.activities(range).andWhere({ visitId: In(ids) }));
}

async function loadIds(query: SelectQueryBuilder<ObjectLiteral>): Promise<string[]> {
  const rows = await query.select('visit.id', 'id').getRawMany<{ id: string }>();
  return rows.map(({ id }) => id);
}
