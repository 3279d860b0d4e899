import type { EntityManager } from 'typeorm';
import { Activity } from '../../../../activity/activity.entity.js';
import { ENGAGEMENT, timeInView } from '../../../../activity/engagement.js';
import { dialectOf } from '../../../../database/dialects/dialect.js';
import { chunks } from '../../../../database/chunks.js';
import { PAGE } from '../filter/page-sql.js';

/** Where a visit was. */
export interface Trail {
  /** The pages of its views, in their order. */
  views: string[];
  /** Of its other activities. */
  others: Set<string>;
  /** How often these have which name. */
  doings: Map<string, number>;
  /** For how long its pages were in view after all else was done, in milliseconds. */
  inView: number;
}

interface Row {
  visit: string;
  name: string;
  path: string;
  date: string | number;
  properties: string | null;
}

export async function trailsIn(manager: EntityManager, ids: string[]): Promise<Map<string, Trail>> {
  const trails = new Map(
    ids.map((id): [string, Trail] => [id, { views: [], others: new Set(), doings: new Map(), inView: 0 }]),
  );
  for (const some of chunks([...trails.keys()])) {
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
      const trail = trails.get(visit);
      if (!trail) continue;
      if (name !== ENGAGEMENT) {
        lastActions.set(visit, Number(date));
        trail.inView = 0;
      } else if (properties !== null && Number(date) > (lastActions.get(visit) ?? 0)) {
        // At the same moment the next page was viewed, and the order is chance.
        trail.inView += timeInView(JSON.parse(properties));
      }
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
