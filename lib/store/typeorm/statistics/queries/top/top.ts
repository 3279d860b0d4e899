import type { TopQuery } from '../../../../../statistics/statistics.store.js';
import type { TopRow } from '../../../../../statistics/statistics.types.js';
import type { TimeRange } from '../../../../../statistics/time/time-range.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import { planTop, type Source, chooseTopMeasure, type ExactTopQuery } from '../../query-plan.js';
import { topFromActivities } from './from-activities.js';
import { topFromDailyCache } from './from-daily-cache.js';
import { topFromRollup } from './from-rollup.js';
import { topFromVisitPaths } from './from-visit-paths.js';
import { topFromVisits } from './from-visits.js';
import { addGroupNames } from './group-names.js';
import { addUserNames } from './user-names.js';

type Answer = (query: ExactTopQuery, selection: StatisticsQuery, range: TimeRange) => Promise<TopRow[]>;

const ANSWERS: Record<Source, Answer> = {
  rollup: topFromRollup,
  'daily-cache': topFromDailyCache,
  visits: topFromVisits,
  'visit-paths': topFromVisitPaths,
  activities: topFromActivities,
};

/** Answers `top` from the source that query-plan.ts chooses. */
export async function top(asked: TopQuery, selection: StatisticsQuery, range: TimeRange): Promise<TopRow[]> {
  const query = { ...asked, measure: chooseTopMeasure(asked, selection.nameOfAll) };
  const rows = await ANSWERS[planTop(query, selection.kind)](query, selection, range);
  if (query.dimension === 'group') return addGroupNames(selection, rows);
  return query.dimension === 'user' ? addUserNames(selection, rows) : rows;
}
