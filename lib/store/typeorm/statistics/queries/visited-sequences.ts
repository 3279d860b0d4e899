import { checkText } from '../../../../activity/activity.filter.js';
import { numbersOf } from '../rollup/path-dictionary.js';
import type { Selection } from '../filter/statistics-query.js';
import type { Stretch } from '../../../../statistics/time/time-range.js';
import { inTurns } from '../in-turns.js';
import { trailsIn } from '../rollup/visit-paths.js';
import { numbersIn, onwards, stepOf, upTo, withoutRepeats } from '../rollup/path-sequence.js';

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
  for await (const rows of inTurns(await query.getRawMany<{ way: string | null }>())) {
    for (const { way: stored } of rows) {
      const taken = stored && withoutRepeats(stored);
      if (taken === null) isLong = true;
      else if (end === undefined) steps.push(numbersIn(onwards(taken, depth, step)));
      else if (step !== undefined) steps.push(numbersIn(upTo(taken, depth, step)).toReversed());
    }
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
