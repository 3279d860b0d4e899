import { In } from 'typeorm';
import { byText } from './commonest.js';
import { countsIn } from './doings.js';
import type { Selection } from './selection.js';
import type { TopRow } from './statistics.types.js';
import type { Stretch } from './stretch.js';
import { wholeVisits } from './whole-visits.js';

/** What the visits of a selection did most, as their rows tell. */
export async function doneNames(selection: Selection, range: Stretch, limit: number): Promise<TopRow[]> {
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
    .addSelect('SUM(visit.views)', 'views')
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
    for (const [name, count] of doings === null ? [] : countsIn(doings)) add(name, count * Number(visits));
  }
  if (long.length > 0) others.push(selection.activities(range).andWhere({ visitId: In(long) }));
  for (const query of others) {
    const activities = await query
      .select('activity.name', 'name')
      .addSelect('COUNT(*)', 'count')
      .groupBy('activity.name')
      .getRawMany<{ name: string; count: string | number }>();
    for (const { name, count } of activities) add(name, Number(count));
  }
  return [...counts]
    .filter(([, count]) => count > 0)
    .map(([value, count]) => ({ value, count }))
    .sort((a, b) => b.count - a.count || byText(a.value, b.value))
    .slice(0, limit);
}
