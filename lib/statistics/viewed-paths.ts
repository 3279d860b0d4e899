import { In, type ObjectLiteral, type SelectQueryBuilder } from 'typeorm';
import { byText, commonest } from './commonest.js';
import { numbersOf, pathsOf } from './paths.js';
import type { Selection } from './selection.js';
import type { TopRow } from './statistics.types.js';
import type { Stretch } from './stretch.js';
import { numbersIn } from './way.js';
import { wholeVisits } from './whole-visits.js';

/** The paths that the visits of a selection viewed most, as their ways tell. */
export async function viewedPaths(selection: Selection, range: Stretch, limit: number): Promise<TopRow[]> {
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
    .addSelect('CASE WHEN visit.way IS NULL THEN visit.id END', 'id')
    .getRawMany<{ way: string | null; id: string }>();
  for (const { way, id } of rows) {
    if (way === null) long.push(id);
    else for (const number of numbersIn(way)) add(number, 1);
  }
  if (long.length > 0) others.push(selection.activities(range).andWhere({ visitId: In(long) }));
  const views = await viewsIn(others);
  const numbers = await numbersOf(manager, [...views.keys()]);
  // What only bots have seen may have no number.
  const names = new Map<number, string>();
  for (const [path, count] of views) {
    const number = numbers.get(path) ?? -1 - names.size;
    if (!numbers.has(path)) names.set(number, path);
    add(number, count);
  }
  const candidates = commonest(counts, limit);
  const paths = await pathsOf(manager, candidates);
  return candidates
    .map((number) => ({
      value: names.get(number) ?? paths.get(number) ?? '',
      count: counts.get(number) ?? 0,
    }))
    .sort((a, b) => b.count - a.count || byText(a.value, b.value))
    .slice(0, limit);
}

async function viewsIn(activities: SelectQueryBuilder<ObjectLiteral>[]): Promise<Map<string, number>> {
  const views = new Map<string, number>();
  for (const query of activities) {
    const rows = await query
      .select('activity.path', 'path')
      .addSelect('COUNT(*)', 'count')
      .andWhere(`activity.name = 'view'`)
      .groupBy('activity.path')
      .getRawMany<{ path: string; count: string | number }>();
    for (const { path, count } of rows) views.set(path, (views.get(path) ?? 0) + Number(count));
  }
  return views;
}
