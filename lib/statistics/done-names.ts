import { In } from 'typeorm';
import { byText } from './commonest.js';
import { countsIn } from './doings.js';
import type { Selection } from './selection.js';
import type { TopRow } from './statistics.types.js';
import type { Stretch } from './stretch.js';
import { idsOf, wholeVisits } from './whole-visits.js';

/** What the visits of a selection did most, as their rows tell. */
export async function doneNames(selection: Selection, range: Stretch, limit: number): Promise<TopRow[]> {
  const { isWhole, others } = await wholeVisits(selection, range, [range.since]);
  const whole = selection.visits(range).andWhere(isWhole);
  const counts = new Map<string, number>();
  const add = (name: string, count: number): void => void counts.set(name, (counts.get(name) ?? 0) + count);
  const long = await idsOf(whole.clone().andWhere('visit.way IS NULL'));
  if (long.length > 0) others.push(selection.activities(range).andWhere({ visitId: In(long) }));
  const rows = await whole
    .select('visit.doings', 'doings')
    .addSelect('COUNT(*)', 'visits')
    .addSelect('SUM(visit.views)', 'views')
    .andWhere('visit.way IS NOT NULL')
    .groupBy('visit.doings')
    .getRawMany<{ doings: string | null; visits: string | number; views: string | number }>();
  for (const { doings, visits, views } of rows) {
    add('view', Number(views));
    for (const [name, count] of doings === null ? [] : countsIn(doings)) add(name, count * Number(visits));
  }
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
