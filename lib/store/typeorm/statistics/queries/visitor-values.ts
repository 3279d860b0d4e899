import type { EntityManager, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { yieldingChunks } from '../../../../database/chunks.js';
import type { Dimension } from '../../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../../statistics/time/time-range.js';
import { PAGE } from '../../activity-query.js';
import { DAY } from '../../../../time/units.js';
import { StatisticsQuery } from '../filter/statistics-query.js';
import { countByDay } from '../rollup/bucket-counts.js';
import { isVisitColumn, VISIT_COLUMNS, type VisitDimension } from '../rollup/daily-counts/visit-values.js';
import { VisitorIds } from '../rollup/daily-counts/visitor-ids.js';
import { decodeNameCounts } from '../rollup/name-counts.js';
import { findPathIds } from '../rollup/path-dictionary.js';
import { encodePathId } from '../rollup/path-sequence.js';
import { hasNull, isPathDimension } from './top/from-visits.js';
import { findContainedVisits, queryActivities } from './contained-visits.js';

/** A day with more activities is not cached, because its set would take too much memory. */
const MAX_ACTIVITIES_OF_DAY = 300_000;

/** With more activities in the range, the database counts visitors, because their sets would take too much memory of this process. */
export const MAX_ACTIVITIES_OF_RANGE = 10_000_000;

const COLUMNS = { sessions: 'sessionId', users: 'userId' } as const;

type VisitorMeasure = keyof typeof COLUMNS;

/** A `top` that counts visitors, and whose values can be collected by visitor. */
export interface VisitorQuestion {
  dimension: 'path' | 'name' | VisitDimension;
  measure: VisitorMeasure;
}

interface VisitRow {
  visitor: string;
  pathSequence: string | null;
  otherPaths: string | null;
  nameCounts: string | null;
  views: number;
  id: string;
}

export function isVisitorQuestion<Q extends { dimension: string; measure: string }>(
  question: Q,
): question is Q & VisitorQuestion {
  const { dimension, measure } = question;
  return measure in COLUMNS && (dimension === 'path' || dimension === 'name' || isVisitColumn(dimension));
}

/** True if the values are paths, which have ids. */
export function hasPathIds(dimension: Dimension): boolean {
  return dimension === 'path' || isPathDimension(dimension);
}

/**
 * The values of each session or user on a day, without bots; {@link VisitorIds.toText} encodes them. `null` if there are too many
 * activities.
 * @param max characters of the text
 */
export async function visitorsOn(
  day: number,
  question: { dimension: string; measure: string },
  manager: EntityManager,
  max: number,
): Promise<string | null> {
  if (!isVisitorQuestion(question)) return null;
  const range = { since: day, until: day + DAY };
  const { total } = await countByDay(manager, range);
  if (total > MAX_ACTIVITIES_OF_DAY) return null;
  const ids = new VisitorIds(hasPathIds(question.dimension));
  await collectVisitors(question, new StatisticsQuery(manager, {}), range, ids);
  return ids.toText(max);
}

/** Adds the values that each session or user has in a range: of its visits that started there, or of its activities. */
export function collectVisitors(
  { dimension, measure }: VisitorQuestion,
  selection: StatisticsQuery,
  range: TimeRange,
  into: VisitorIds,
): Promise<void> {
  if (dimension !== 'path' && dimension !== 'name') {
    const column = VISIT_COLUMNS[dimension];
    const visits = selection.visits(range).select(column, 'value');
    if (!hasNull(dimension)) visits.andWhere(`${column} IS NOT NULL`);
    return addDistinct(visits, `visit.${COLUMNS[measure]}`, dimension, selection, into);
  }
  if (measure === 'sessions') return addSessions(dimension, selection, range, into);
  return addActivities(selection.activities(range), measure, dimension, selection, into);
}

/**
 * Reads the paths or names of visits from their rows, and for other visits from activities:
 * `SELECT sessionId, pathSequence, otherPaths, nameCounts, views, id FROM djaffar_visit WHERE …`
 */
async function addSessions(
  dimension: 'path' | 'name',
  selection: StatisticsQuery,
  range: TimeRange,
  into: VisitorIds,
): Promise<void> {
  const isPath = dimension === 'path';
  const { containedSql, remainder } = await findContainedVisits(selection, range, [range.since]);
  const oversized: string[] = [];
  const visits = selection
    .visits(range)
    .andWhere(containedSql)
    .andWhere('visit.sessionId IS NOT NULL')
    .select('visit.sessionId', 'visitor');
  for (const column of ['pathSequence', ...(isPath ? ['otherPaths'] : ['nameCounts', 'views']), 'id'])
    visits.addSelect(`visit.${column}`, column);
  for await (const rows of yieldingChunks(await visits.getRawMany<VisitRow>())) {
    for (const { visitor, pathSequence, otherPaths, nameCounts, views, id } of rows) {
      if (pathSequence === null) oversized.push(id);
      else if (isPath) into.add(visitor, pathSequence + (otherPaths ?? ''));
      else {
        if (views > 0) into.addValue(visitor, 'view');
        for (const [name] of nameCounts === null ? [] : decodeNameCounts(nameCounts))
          into.addValue(visitor, name);
      }
    }
  }
  for (const query of [...remainder, ...queryActivities(oversized, selection, range)])
    await addActivities(query, 'sessions', dimension, selection, into);
}

/** `SELECT DISTINCT sessionId, page FROM djaffar_activity WHERE …` */
function addActivities(
  activities: SelectQueryBuilder<ObjectLiteral>,
  measure: VisitorMeasure,
  dimension: 'path' | 'name',
  selection: StatisticsQuery,
  into: VisitorIds,
): Promise<void> {
  activities.select(dimension === 'path' ? PAGE : 'activity.name', 'value');
  return addDistinct(activities, `activity.${COLUMNS[measure]}`, dimension, selection, into);
}

/** @param query selects `value` */
async function addDistinct(
  query: SelectQueryBuilder<ObjectLiteral>,
  visitor: string,
  dimension: VisitorQuestion['dimension'],
  { manager }: StatisticsQuery,
  into: VisitorIds,
): Promise<void> {
  const rows = await query
    .addSelect(visitor, 'visitor')
    .andWhere(`${visitor} IS NOT NULL`)
    .distinct()
    .getRawMany<{ visitor: string; value: string | number | null }>();
  const paths = dimension === 'path' ? [...new Set(rows.map(({ value }) => String(value)))] : [];
  const ids = await findPathIds(manager, paths);
  for await (const some of yieldingChunks(rows)) {
    for (const { visitor: who, value } of some) {
      if (typeof value === 'number') into.add(who, encodePathId(value));
      else into.addValue(who, value, ids.get(value ?? ''));
    }
  }
}
