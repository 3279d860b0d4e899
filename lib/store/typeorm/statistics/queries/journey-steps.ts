import type { JourneyQuery } from '../../../../statistics/statistics.store.js';
import type { TimeRange } from '../../../../statistics/time/time-range.js';
import type { StatisticsQuery } from '../filter/statistics-query.js';
import { yieldingChunks } from '../../../../database/chunks.js';
import { findPathIds } from '../rollup/path-dictionary.js';
import {
  collapseRepeats,
  decodePathIds,
  encodePathId,
  takeBackward,
  takeForward,
} from '../rollup/path-sequence.js';
import { loadVisitPaths } from '../rollup/visit-paths.js';

type Query = Omit<JourneyQuery, 'limit'>;

export interface JourneySteps {
  /** The path ids of the steps of each visit, in reverse order if the journeys end at a path. */
  journeys: number[][];
  /** The number of visits with each journey; without this list, each is one visit. */
  weights?: number[];
  /** The paths, or routes, of ids that are not stored. */
  names: Map<number, string>;
}

/** Up to `depth` steps of each visit: `SELECT pathSequence FROM djaffar_visit WHERE … AND pathSequence LIKE '%…%'` */
export async function loadJourneySteps(
  selection: StatisticsQuery,
  range: TimeRange,
  asked: Query,
): Promise<JourneySteps> {
  const { start, end, depth } = asked;
  const anchor = start ?? end;
  let step: string | undefined;
  const query = selection.visits(range).select('visit.pathSequence', 'pathSequence');
  if (anchor !== undefined) {
    const id = (await findPathIds(selection.manager, [anchor])).get(anchor);
    step = id === undefined ? undefined : encodePathId(id);
    // No digit is a wildcard of LIKE. LIKE may ignore case, so rows that differ in case are removed below.
    if (step === undefined) query.andWhere('visit.pathSequence IS NULL');
    else
      query.andWhere('(visit.pathSequence IS NULL OR visit.pathSequence LIKE :step)', { step: `%${step}%` });
  }
  const journeys: JourneySteps['journeys'] = [];
  let areOversized = false;
  for await (const rows of yieldingChunks(await query.getRawMany<{ pathSequence: string | null }>())) {
    for (const { pathSequence } of rows) {
      const steps = pathSequence && collapseRepeats(pathSequence);
      if (steps === null) areOversized = true;
      else if (end === undefined) journeys.push(decodePathIds(takeForward(steps, depth, step)));
      else if (step !== undefined)
        journeys.push(decodePathIds(takeBackward(steps, depth, step)).toReversed());
    }
  }
  const names = new Map<number, string>();
  if (areOversized)
    for (const steps of await loadOversized(selection, range, asked, names)) journeys.push(steps);
  return { journeys, names };
}

/** The steps of visits with too many activities, read from their activities. */
async function loadOversized(
  selection: StatisticsQuery,
  range: TimeRange,
  { start, end, depth }: Query,
  names: Map<number, string>,
): Promise<JourneySteps['journeys']> {
  const { manager } = selection;
  const oversized = selection.visits(range).select('visit.id', 'id').andWhere('visit.pathSequence IS NULL');
  const visits = (await oversized.getRawMany<{ id: string }>()).map(({ id }) => id);
  const journeys = [...(await loadVisitPaths(manager, visits)).values()].map(({ views }) => {
    const steps = views.filter((path, i) => path !== views[i - 1]);
    if (end !== undefined)
      return steps
        .slice(0, steps.lastIndexOf(end) + 1)
        .slice(-depth)
        .toReversed();
    const from = start === undefined ? 0 : steps.indexOf(start);
    return from < 0 ? [] : steps.slice(from, from + depth);
  });
  const ids = await findPathIds(manager, [...new Set(journeys.flat())]);
  return journeys.map((steps) =>
    steps.map((path) => {
      // A path that only bots have seen may have no id.
      const id = ids.get(path) ?? -1 - names.size;
      if (!ids.has(path)) names.set(id, path);
      ids.set(path, id);
      return id;
    }),
  );
}
