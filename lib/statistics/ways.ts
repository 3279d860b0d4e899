import type { EntityManager } from 'typeorm';
import { Activity } from '../activity/activity.entity.js';
import { checkText } from '../activity/activity.filter.js';
import { dialectOf } from '../activity/dialects/dialect.js';
import { chunks } from './chunks.js';
import { numbersOf } from './paths.js';
import type { Selection } from './selection.js';
import type { Stretch } from './stretch.js';
import { numbersIn, onwards, stepOf, upTo, withoutRepeats } from './way.js';

/** From a path, to a path, or from the beginning of each visit. */
export interface Way {
  start: string | undefined;
  end: string | undefined;
  depth: number;
}

/** What visits took of the way, at most so many steps of each. */
export interface Ways {
  /** The numbers of paths from step to step; where they lead to a path, that is the first. */
  steps: number[][];
  /** Of numbers that stand for a path here alone. */
  names: Map<number, string>;
}

export async function waysOf(selection: Selection, range: Stretch, way: Way): Promise<Ways> {
  const { start, end, depth } = way;
  const anchor = start ?? end;
  let step: string | undefined;
  const query = selection.visits(range).select('visit.way', 'way');
  if (anchor !== undefined) {
    checkText(start === undefined ? 'end' : 'start', anchor);
    const number = (await numbersOf(selection.manager, [anchor])).get(anchor);
    step = number === undefined ? undefined : stepOf(number);
    // No digit means anything to LIKE; what it takes for the same, as they differ in case, is told apart below.
    if (step === undefined) query.andWhere('visit.way IS NULL');
    else query.andWhere('(visit.way IS NULL OR visit.way LIKE :step)', { step: `%${step}%` });
  }
  const steps: Ways['steps'] = [];
  let isLong = false;
  for (const { way: stored } of await query.getRawMany<{ way: string | null }>()) {
    const taken = stored && withoutRepeats(stored);
    if (taken === null) isLong = true;
    else if (end === undefined) steps.push(numbersIn(onwards(taken, depth, step)));
    else if (step !== undefined) steps.push(numbersIn(upTo(taken, depth, step)).toReversed());
  }
  const names = new Map<number, string>();
  if (isLong) for (const long of await longWaysOf(selection, range, way, names)) steps.push(long);
  return { steps, names };
}

/** The same of visits of too many views, from their activities. */
async function longWaysOf(
  selection: Selection,
  range: Stretch,
  { start, end, depth }: Way,
  names: Map<number, string>,
): Promise<Ways['steps']> {
  const { manager } = selection;
  const long = selection.visits(range).select('visit.id', 'id').andWhere('visit.way IS NULL');
  const ids = (await long.getRawMany<{ id: string }>()).map(({ id }) => id);
  const ways = [...(await trailsIn(manager, ids)).values()].map(({ views }) => {
    const way = views.filter((path, i) => path !== views[i - 1]);
    if (end !== undefined)
      return way
        .slice(0, way.lastIndexOf(end) + 1)
        .slice(-depth)
        .toReversed();
    const from = start === undefined ? 0 : way.indexOf(start);
    return from < 0 ? [] : way.slice(from, from + depth);
  });
  const numbers = await numbersOf(manager, [...new Set(ways.flat())]);
  return ways.map((way) =>
    way.map((path) => {
      // What only bots have seen may have no number.
      const number = numbers.get(path) ?? -1 - names.size;
      if (!numbers.has(path)) names.set(number, path);
      numbers.set(path, number);
      return number;
    }),
  );
}

/** Where a visit was. */
export interface Trail {
  /** The paths of its views, in their order. */
  views: string[];
  /** Of its other activities. */
  others: Set<string>;
  /** How often these have which name. */
  doings: Map<string, number>;
}

export async function trailsIn(manager: EntityManager, ids: string[]): Promise<Map<string, Trail>> {
  const trails = new Map(
    ids.map((id): [string, Trail] => [id, { views: [], others: new Set(), doings: new Map() }]),
  );
  for (const some of chunks([...trails.keys()])) {
    const activities = await manager
      .createQueryBuilder(Activity, 'activity')
      .select('activity.visitId', 'visit')
      .addSelect('activity.name', 'name')
      .addSelect('activity.path', 'path')
      .where('activity.visitId IN (:...some)', { some })
      .orderBy('activity.date')
      .addOrderBy(dialectOf(manager.connection).idOrder('activity.id'))
      .getRawMany<Record<'visit' | 'name' | 'path', string>>();
    for (const { visit, name, path } of activities) {
      const trail = trails.get(visit);
      if (!trail) continue;
      if (name === 'view') {
        trail.views.push(path);
        continue;
      }
      trail.others.add(path);
      trail.doings.set(name, (trail.doings.get(name) ?? 0) + 1);
    }
  }
  return trails;
}
