import { countActivitiesAndViews } from './activities-and-views.js';
import { countDistinct, hasActivitiesOutsideVisits } from './distinct-visitors.js';
import type { MeasureValues } from '../../../../../statistics/statistics.store.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import { planMeasure } from '../../query-plan.js';
import type { Measure } from '../../../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../../../statistics/time/time-range.js';
import { measureAllVisits } from './all-visits.js';
import { measureFilteredVisits } from './filtered-visits.js';
import { findContainedVisits } from '../contained-visits.js';

/** Counts visitors by id. Frozen visits have no ids; the columns `previous…VisitAt` show if a visit is its visitor's first. */
async function countVisitors(
  measure: 'users' | 'sessions',
  key: 'userId' | 'sessionId',
  selection: StatisticsQuery,
  { since, until }: TimeRange,
  starts: number[],
): Promise<MeasureValues> {
  const { frozenUntil } = selection;
  const counts = await countDistinct(key, selection, { since: Math.max(since, frozenUntil), until }, starts);
  if (since >= frozenUntil) return counts;
  const frozen = { since, until: Math.min(until, frozenUntil) };
  const { [measure]: before = [] } = await measureAllVisits([measure], selection, frozen, starts);
  return counts.map((count, n) => (count ?? 0) + (before[n] ?? 0));
}

/**
 * Computes the measures, each from the source that query-plan.ts names: those of visits in one pass over the visits, the others
 * from rollups or raw activities.
 * @param starts of the intervals; the first may be before the range
 */
export async function computeMeasures<M extends Measure>(
  measures: readonly M[],
  selection: StatisticsQuery,
  range: TimeRange,
  starts: number[],
): Promise<Record<M, MeasureValues>> {
  const requested = new Set<Measure>(measures);
  const found: Partial<Record<Measure, MeasureValues>> = {};
  for (const [measure, key] of [
    ['users', 'userId'],
    ['sessions', 'sessionId'],
  ] as const) {
    if (requested.has(measure) && (await hasActivitiesOutsideVisits(key, selection, range)))
      found[measure] = await countVisitors(measure, key, selection, range, starts);
  }
  // Counts of activities: visit rows have them too, unless a visit crosses an interval boundary.
  const counted = measures.filter((measure) => measure === 'activities' || measure === 'views');
  const areInVisits = counted.some((measure) => planMeasure(measure, selection.kind) === 'visits');
  const contained = areInVisits ? await findContainedVisits(selection, range, starts) : undefined;
  if (counted.length > 0)
    Object.assign(found, await countActivitiesAndViews(selection, range, starts, contained?.remainder));
  const visitMeasures = measures.filter(
    (measure) => found[measure] === undefined || (contained && counted.includes(measure)),
  );
  if (visitMeasures.length > 0) {
    const values =
      selection.kind === 'none'
        ? await measureAllVisits(visitMeasures, selection, range, starts)
        : await measureFilteredVisits(visitMeasures, selection, range, starts, contained?.containedSql);
    for (const measure of visitMeasures) {
      const before = found[measure];
      found[measure] = values[measure]?.map((value, n) => (before ? (value ?? 0) + (before[n] ?? 0) : value));
    }
  }
  const entries = measures.map((measure) => [measure, found[measure] ?? []] as const);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- `fromEntries` loses the type: each measure has an entry
  return Object.fromEntries(entries) as Record<M, MeasureValues>;
}
