import { findPathIds } from '../path-dictionary.js';
import { decodePathIds, encodePathId } from '../path-sequence.js';
import type { VisitedValues } from './visited-values.js';

/** The ids of paths. */
export const VISITED_PATHS: VisitedValues<number> = {
  metric: 'visited paths',
  column: 'page',

  async count(visits, measure) {
    const counts = new Map<number, number>();
    const add = (id: number): void => void counts.set(id, (counts.get(id) ?? 0) + 1);
    const oversized: string[] = [];
    const rows = await visits
      .select('visit.pathSequence', 'pathSequence')
      .addSelect('visit.otherPaths', 'otherPaths')
      .addSelect('CASE WHEN visit.pathSequence IS NULL THEN visit.id END', 'id')
      .getRawMany<Record<'pathSequence' | 'otherPaths', string | null> & { id: string }>();
    for (const { pathSequence, otherPaths, id } of rows) {
      if (pathSequence === null) oversized.push(id);
      else if (measure === 'visits') new Set(decodePathIds(pathSequence + (otherPaths ?? ''))).forEach(add);
      else decodePathIds(pathSequence).forEach(add);
    }
    return { counts, oversized };
  },

  find: findPathIds,

  encode(counts) {
    return [...counts]
      .sort(([a], [b]) => a - b)
      .map(([id, count]) => encodePathId(id) + encodePathId(count))
      .join('');
  },

  *decode(counts) {
    const numbers = decodePathIds(counts);
    for (let at = 0; at < numbers.length; at += 2) yield [numbers[at] ?? 0, numbers[at + 1] ?? 0];
  },
};
