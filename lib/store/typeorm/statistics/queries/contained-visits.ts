import { In, type ObjectLiteral, type SelectQueryBuilder } from 'typeorm';
import type { Activity } from '../../../../activity/activity.entity.js';
import { intervalSql } from '../../../../statistics/time/calendar.js';
import { chunks } from '../../../../database/chunks.js';
import type { Selection } from '../filter/statistics-query.js';
import { within } from '../rollup/time-ranges.js';
import type { Stretch } from '../../../../statistics/time/time-range.js';
import { RollupState } from '../rollup/tables/rollups.entity.js';

/** How many visits are asked for by one statement. */
const MANY = 5000;

/** The activities of a range, for a selection of visits. */
export interface WholeVisits {
  /** The SQL of whether all activities of a visit are in one interval, so that its row counts them. Alias `visit`. */
  isWhole: string;
  /** What has to be counted one by one: of visits that go on past an interval's end, of mixed visits, and of none. */
  others: SelectQueryBuilder<Activity>[];
  /** Of the longest visit that is not mixed, in milliseconds. */
  longest: number;
}

/** @param starts of the intervals; the first may be before the range */
export async function wholeVisits(
  selection: Selection,
  { since, until }: Stretch,
  starts: number[],
): Promise<WholeVisits> {
  const { longest, longestMixed } = await selection.manager.findOneByOrFail(RollupState, { id: 1 });
  const edges = [since, ...starts.slice(1), until];
  // Where an interval ends that a visit began in, or for one that began before the range, where this begins.
  const end = intervalSql('visit.startedAt', [0, ...edges.slice(0, -1)], (_, n) => edges[n] ?? until);
  const range = { since, until };
  const reach = { since: Math.max(0, since - longest), until };
  const beforeEdges = edges.map((edge) => ({ since: Math.max(0, edge - longest), until: edge }));
  const crossing = await idsOf(
    selection
      .visits(reach)
      .andWhere(within('visit.startedAt', beforeEdges))
      .andWhere('NOT visit.mixed')
      .andWhere(`visit.endedAt >= ${end}`),
  );
  const mixed = await idsOf(
    selection.allVisits({ since: Math.max(0, since - longestMixed), until }).andWhere('visit.mixed'),
  );
  const others = activitiesOf([...crossing, ...mixed], selection, range);
  return {
    isWhole: `NOT visit.mixed AND visit.endedAt < ${end}`,
    others: [...others, selection.activities(range).andWhere('activity.visitId IS NULL')],
    longest,
  };
}

/** Those that the selection takes of these visits. */
export function activitiesOf(
  visits: string[],
  selection: Selection,
  range: Stretch,
): SelectQueryBuilder<Activity>[] {
  return chunks(visits, MANY).map((ids) => selection.activities(range).andWhere({ visitId: In(ids) }));
}

async function idsOf(query: SelectQueryBuilder<ObjectLiteral>): Promise<string[]> {
  const rows = await query.select('visit.id', 'id').getRawMany<{ id: string }>();
  return rows.map(({ id }) => id);
}
