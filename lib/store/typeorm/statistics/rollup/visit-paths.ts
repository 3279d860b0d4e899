import type { EntityManager } from 'typeorm';
import { Activity } from '../../../../activity/activity.js';
import { ENGAGEMENT, timeInView } from '../../../../activity/engagement.js';
import { dialectOf } from '../../../../database/dialects/dialect.js';
import { chunks } from '../../../../database/chunks.js';
import { PAGE } from '../../activity-query.js';

/** The paths and names of one visit. */
export interface VisitPaths {
  /** The pages of its views, in their order. */
  views: string[];
  /** The pages of its other activities. */
  others: Set<string>;
  /** The number of these by name. */
  nameCounts: Map<string, number>;
  /** Milliseconds for which its pages were in view after the last other activity. */
  inView: number;
}

interface Row {
  visit: string;
  name: string;
  path: string;
  date: string | number;
  properties: string | null;
}

export async function loadVisitPaths(
  manager: EntityManager,
  ids: string[],
): Promise<Map<string, VisitPaths>> {
  const found = new Map(
    ids.map((id): [string, VisitPaths] => [
      id,
      { views: [], others: new Set(), nameCounts: new Map(), inView: 0 },
    ]),
  );
  for (const some of chunks([...found.keys()])) {
    const activities = await manager
      .createQueryBuilder(Activity, 'activity')
      .select('activity.visitId', 'visit')
      .addSelect('activity.name', 'name')
      .addSelect(PAGE, 'path')
      .addSelect('activity.date', 'date')
      .addSelect(`CASE WHEN activity.name = '${ENGAGEMENT}' THEN activity.properties END`, 'properties')
      .where('activity.visitId IN (:...some)', { some })
      .orderBy('activity.date')
      .addOrderBy(dialectOf(manager.connection).idOrder('activity.id'))
      .getRawMany<Row>();
    const lastActions = new Map<string, number>();
    for (const { visit, name, path, date, properties } of activities) {
      const visited = found.get(visit);
      if (!visited) continue;
      if (name !== ENGAGEMENT) {
        lastActions.set(visit, Number(date));
        visited.inView = 0;
      } else if (properties !== null) {
        // The page was in view before the last activity too. At the same moment, the next page was viewed.
        const since = Math.max(0, Number(date) - (lastActions.get(visit) ?? 0));
        visited.inView += Math.min(timeInView(JSON.parse(properties)), since);
      }
      if (name === 'view') {
        visited.views.push(path);
        continue;
      }
      visited.others.add(path);
      visited.nameCounts.set(name, (visited.nameCounts.get(name) ?? 0) + 1);
    }
  }
  return found;
}
