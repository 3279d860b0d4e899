import type { EntityManager } from 'typeorm';
import { Activity } from '../../activity/activity.entity.js';
import { dialectOf } from '../../activity/dialects/dialect.js';
import { chunks } from '../chunks.js';

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
