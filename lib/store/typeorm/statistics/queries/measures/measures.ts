import { activityFigures } from './activity-measures.js';
import { different, isWithoutVisit } from './distinct-visitors.js';
import type { Figures } from './measures.types.js';
import type { Selection } from '../../filter/statistics-query.js';
import type { Measure } from '../../../../../statistics/statistics.types.js';
import type { Stretch } from '../../../../../statistics/time/time-range.js';
import { figuresOfAllVisits } from './all-visit-measures.js';
import { figuresOfVisits } from './visit-measures.js';
import { wholeVisits } from '../contained-visits.js';

const OF_ACTIVITIES: Measure[] = ['activities', 'views'];

/**
 * The measures: all that are of visits in one pass over them, the others from sums.
 * @param starts of the intervals; the first may be before the range
 */
export async function figuresOf<M extends Measure>(
  measures: readonly M[],
  selection: Selection,
  range: Stretch,
  starts: number[],
): Promise<Record<M, Figures>> {
  const asked = new Set<Measure>(measures);
  const found: Partial<Record<Measure, Figures>> = {};
  for (const [measure, key] of [
    ['users', 'userId'],
    ['sessions', 'sessionId'],
  ] as const) {
    if (asked.has(measure) && (await isWithoutVisit(key, selection, range)))
      found[measure] = await different(key, selection, range, starts);
  }
  const isOfActivities = OF_ACTIVITIES.some((measure) => asked.has(measure));
  const areInVisits = isOfActivities && selection.isOfVisits;
  const whole = areInVisits ? await wholeVisits(selection, range, starts) : undefined;
  if (isOfActivities) Object.assign(found, await activityFigures(selection, range, starts, whole?.others));
  const ofVisits = measures.filter(
    (measure) => found[measure] === undefined || (whole && OF_ACTIVITIES.includes(measure)),
  );
  if (ofVisits.length > 0) {
    const figures = selection.isWhole
      ? await figuresOfAllVisits(ofVisits, selection, range, starts)
      : await figuresOfVisits(ofVisits, selection, range, starts, whole?.isWhole);
    for (const measure of ofVisits) {
      const before = found[measure];
      found[measure] = figures[measure]?.map((figure, n) =>
        before ? (figure ?? 0) + (before[n] ?? 0) : figure,
      );
    }
  }
  const entries = measures.map((measure) => [measure, found[measure] ?? []] as const);
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- what `fromEntries` cannot say: each measure has an entry
  return Object.fromEntries(entries) as Record<M, Figures>;
}
