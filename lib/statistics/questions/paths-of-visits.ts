import { countsBy } from './activity-measures.js';
import { byText, commonest } from './commonest.js';
import { numbersOf, pathsOf } from '../rollup/paths.js';
import type { Selection } from './selection.js';
import type { TopRow } from '../statistics.types.js';
import type { Stretch } from '../stretch.js';
import { numbersIn } from '../rollup/way.js';
import { activitiesOf, wholeVisits } from './whole-visits.js';

/** The paths that the visits of a selection viewed most, or that most of them were at, as their rows tell. */
export async function pathsOfVisits(
  selection: Selection,
  range: Stretch,
  measure: 'views' | 'visits',
  limit: number,
): Promise<TopRow[]> {
  const { manager } = selection;
  const { isWhole, others } = await wholeVisits(selection, range, [range.since]);
  const counts = new Map<number, number>();
  const add = (number: number, count: number): void =>
    void counts.set(number, (counts.get(number) ?? 0) + count);
  const long: string[] = [];
  const rows = await selection
    .visits(range)
    .andWhere(isWhole)
    .select('visit.way', 'way')
    .addSelect('visit.beside', 'beside')
    .addSelect('CASE WHEN visit.way IS NULL THEN visit.id END', 'id')
    .getRawMany<Record<'way' | 'beside', string | null> & { id: string }>();
  for (const { way, beside, id } of rows) {
    if (way === null) long.push(id);
    else if (measure === 'views') for (const number of numbersIn(way)) add(number, 1);
    else for (const number of new Set(numbersIn(way + (beside ?? '')))) add(number, 1);
  }
  others.push(...activitiesOf(long, selection, range));
  const found = await countsBy('path', others, measure);
  const numbers = await numbersOf(manager, [...found.keys()]);
  // What only bots have seen may have no number.
  const names = new Map<number, string>();
  for (const [path, count] of found) {
    const number = numbers.get(path) ?? -1 - names.size;
    if (!numbers.has(path)) names.set(number, path);
    add(number, count);
  }
  const candidates = commonest(new Map([...counts].filter(([, count]) => count > 0)), limit);
  const paths = await pathsOf(manager, candidates);
  return candidates
    .map((number) => ({
      value: names.get(number) ?? paths.get(number) ?? '',
      count: counts.get(number) ?? 0,
    }))
    .sort((a, b) => b.count - a.count || byText(a.value, b.value))
    .slice(0, limit);
}
