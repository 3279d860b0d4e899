import { countsBy } from '../measures/activity-counts.js';
import { commonestRows } from './rank.js';
import { countsIn } from '../../rollup/name-counts.js';
import type { Selection } from '../../filter/statistics-query.js';
import type { TopRow } from '../../../../../statistics/statistics.types.js';
import type { Stretch } from '../../../../../statistics/time/time-range.js';
import { activitiesOf, wholeVisits } from '../contained-visits.js';

/** What the visits of a selection did most, or what most of them did, as their rows tell. */
export async function namesOfVisits(
  selection: Selection,
  range: Stretch,
  measure: 'activities' | 'visits',
  limit: number,
): Promise<TopRow[]> {
  const { isWhole, others } = await wholeVisits(selection, range, [range.since]);
  const counts = new Map<string, number>();
  const add = (name: string, count: number): void => void counts.set(name, (counts.get(name) ?? 0) + count);
  const long: string[] = [];
  const idOfLong = 'CASE WHEN visit.way IS NULL THEN visit.id END';
  const rows = await selection
    .visits(range)
    .andWhere(isWhole)
    .select('visit.doings', 'doings')
    .addSelect('COUNT(*)', 'visits')
    .addSelect(
      measure === 'visits' ? 'SUM(CASE WHEN visit.views > 0 THEN 1 ELSE 0 END)' : 'SUM(visit.views)',
      'views',
    )
    .addSelect(idOfLong, 'id')
    .groupBy('visit.doings')
    .addGroupBy(idOfLong)
    .getRawMany<{ doings: string | null; id: string | null; visits: string; views: string }>();
  for (const { doings, id, visits, views } of rows) {
    if (id !== null) {
      long.push(id);
      continue;
    }
    add('view', Number(views));
    for (const [name, count] of doings === null ? [] : countsIn(doings))
      add(name, (measure === 'visits' ? 1 : count) * Number(visits));
  }
  others.push(...activitiesOf(long, selection, range));
  for (const [name, count] of await countsBy('name', others, measure)) add(name, count);
  return commonestRows(counts, limit);
}
