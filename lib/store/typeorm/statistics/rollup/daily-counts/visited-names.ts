import { decodeNameCounts } from '../name-counts.js';
import type { VisitedValues } from './visited-values.js';

export const VISITED_NAMES: VisitedValues<string> = {
  metric: 'visited names',
  column: 'name',

  /** `SELECT nameCounts, COUNT(*) FROM djaffar_visit WHERE … GROUP BY nameCounts` */
  async count(visits, measure) {
    const counts = new Map<string, number>();
    const add = (name: string, count: number): void => {
      if (count > 0) counts.set(name, (counts.get(name) ?? 0) + count);
    };
    const oversized: string[] = [];
    const oversizedId = 'CASE WHEN visit.pathSequence IS NULL THEN visit.id END';
    const rows = await visits
      .select('visit.nameCounts', 'nameCounts')
      .addSelect('COUNT(*)', 'visits')
      .addSelect(
        measure === 'visits' ? 'SUM(CASE WHEN visit.views > 0 THEN 1 ELSE 0 END)' : 'SUM(visit.views)',
        'views',
      )
      .addSelect(oversizedId, 'id')
      .groupBy('visit.nameCounts')
      .addGroupBy(oversizedId)
      .getRawMany<{ nameCounts: string | null; id: string | null; visits: string; views: string }>();
    for (const { nameCounts, id, visits: visited, views } of rows) {
      if (id !== null) {
        oversized.push(id);
        continue;
      }
      add('view', Number(views));
      for (const [name, count] of nameCounts === null ? [] : decodeNameCounts(nameCounts))
        add(name, (measure === 'visits' ? 1 : count) * Number(visited));
    }
    return { counts, oversized };
  },

  find: async (_, names) => new Map(names.map((name) => [name, name])),

  encode: (counts) => JSON.stringify([...counts].sort(([a], [b]) => (a < b ? -1 : 1))),

  decode: (counts) => JSON.parse(counts),
};
