import { countsBy } from '../measures/activity-counts.js';
import { commonestPaths } from './rank.js';
import { VISITED_PATHS } from '../../rollup/daily-count-cache.js';
import { besides, keptDays } from './cached-days.js';
import { numbersOf } from '../../rollup/path-dictionary.js';
import type { Selection } from '../../filter/statistics-query.js';
import type { TopRow } from '../../../../../statistics/statistics.types.js';
import { DAY, type Stretch } from '../../../../../statistics/time/time-range.js';
import { countsOfPaths, countVisits, visitedPaths } from '../../rollup/daily-counts/visited-paths.js';
import { activitiesOf, wholeVisits, type WholeVisits } from '../contained-visits.js';

/** The paths that the visits of a selection viewed most, or that most of them were at, as their rows tell. */
export async function pathsOfVisits(
  selection: Selection,
  range: Stretch,
  measure: 'views' | 'visits',
  limit: number,
): Promise<TopRow[]> {
  const { manager } = selection;
  const whole = await wholeVisits(selection, range, [range.since]);
  const counts = await countsOfWhole(selection, range, measure, whole);
  const found = await countsBy('page', whole.others, measure);
  const numbers = await numbersOf(manager, [...found.keys()]);
  // What only bots have seen may have no number.
  const names = new Map<number, string>();
  for (const [path, count] of found) {
    const number = numbers.get(path) ?? -1 - names.size;
    if (!numbers.has(path)) names.set(number, path);
    counts.set(number, (counts.get(number) ?? 0) + count);
  }
  return commonestPaths(manager, counts, limit, names);
}

/**
 * By the numbers of paths: from what is kept of days, and from the visits of the rest of the range. Of these, the ones of
 * too many activities go to the others.
 */
async function countsOfWhole(
  selection: Selection,
  range: Stretch,
  measure: 'views' | 'visits',
  { isWhole, others, longest }: WholeVisits,
): Promise<Map<number, number>> {
  const { manager } = selection;
  const counts = new Map<number, number>();
  const add = (found: Iterable<[number: number, count: number]>, sign: 1 | -1 = 1): void => {
    for (const [number, count] of found) counts.set(number, (counts.get(number) ?? 0) + sign * count);
  };
  const isKept = measure === 'visits' && selection.isWhole;
  const days = isKept ? await keptDays(manager, VISITED_PATHS, range) : [];
  for (const { startedAt, counts: ofDay } of days) {
    add(countsOfPaths(ofDay));
    // Those that go on past the end of the range are not whole.
    const going = { since: Math.max(+startedAt, range.until - longest), until: +startedAt + DAY };
    if (going.since >= going.until) continue;
    const visits = selection
      .visits(going)
      .andWhere('NOT visit.mixed')
      .andWhere('visit.endedAt >= :end', { end: range.until });
    add(await countVisits(manager, visits), -1);
  }
  for (const stretch of besides(range, days)) {
    const found = await visitedPaths(selection.visits(stretch).andWhere(isWhole), measure);
    add(found.counts);
    others.push(...activitiesOf(found.long, selection, range));
  }
  return counts;
}
