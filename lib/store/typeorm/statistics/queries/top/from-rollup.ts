import type { ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import type { TopRow } from '../../../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../../../statistics/time/time-range.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import { NameRollup, PathRollup } from '../../rollup/tables/rollups.entity.js';
import { retryOnCompaction, splitRange } from '../path-rollups.js';
import { countActivities } from './from-activities.js';
import { selectPaths, rankParts, search } from './rank.js';
import type { ExactTopQuery } from '../../query-plan.js';

/** Answers from the rollup for whole buckets, and from raw activities at both ends of the range. */
export function topFromRollup(
  query: ExactTopQuery,
  selection: StatisticsQuery,
  range: TimeRange,
): Promise<TopRow[]> {
  const isPath = query.dimension === 'path';
  return retryOnCompaction(selection, async (compactedUntil) => {
    const { rollup, add, subtract } = await splitRange(selection, range, isPath ? compactedUntil : 0);
    const count = (part: TimeRange): SelectQueryBuilder<ObjectLiteral> =>
      countActivities(query, selection, part);
    const sums = rollup && (isPath ? sumPaths : sumNames)(query, selection, rollup);
    return rankParts(
      selection,
      { add: [...(sums ? [sums] : []), ...add.map(count)], subtract: subtract.map(count) },
      query.limit,
    );
  });
}

/** `SELECT path AS value, SUM(views) AS count FROM djaffar_path_rollup WHERE startedAt >= … AND startedAt < … GROUP BY path` */
function sumPaths(
  { measure, search: text }: ExactTopQuery,
  selection: StatisticsQuery,
  { since, until }: TimeRange,
): SelectQueryBuilder<ObjectLiteral> {
  const column = measure === 'views' || selection.name === 'view' ? 'rollup.views' : 'rollup.activities';
  const query = selection.manager
    .createQueryBuilder<ObjectLiteral>(PathRollup, 'rollup')
    .select('rollup.path', 'value')
    .addSelect(`SUM(${column})`, 'count')
    .where(`rollup.startedAt >= ${since} AND rollup.startedAt < ${until}`)
    .groupBy('rollup.path');
  selection.applyToPaths(query, 'rollup');
  return selectPaths(selection.manager, query, text);
}

/** `SELECT name AS value, SUM(activities) AS count FROM djaffar_name_rollup WHERE … GROUP BY name` */
function sumNames(
  { measure, search: text }: ExactTopQuery,
  { manager, name }: StatisticsQuery,
  { since, until }: TimeRange,
): SelectQueryBuilder<ObjectLiteral> {
  const query = manager
    .createQueryBuilder<ObjectLiteral>(NameRollup, 'rollup')
    .select('rollup.name', 'value')
    .addSelect('SUM(rollup.activities)', 'count')
    .where(`rollup.startedAt >= ${since} AND rollup.startedAt < ${until}`)
    .groupBy('rollup.name');
  if (name !== undefined) query.andWhere('rollup.name = :name', { name });
  if (measure === 'views') query.andWhere(`rollup.name = 'view'`);
  return search(query, 'rollup.name', text);
}
