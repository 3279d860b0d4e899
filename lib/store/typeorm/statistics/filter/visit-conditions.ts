import { Brackets, type EntityManager } from 'typeorm';
import { Activity } from '../../../../activity/activity.js';
import { pageCondition } from '../../activity-query.js';
import { dialectOf } from '../../../../database/dialects/dialect.js';
import { encodedKey } from '../rollup/name-counts.js';
import { ENDS, encodePathId } from '../rollup/path-sequence.js';

/** Visits whose path sequence or other paths contain one of these path ids. */
export function visitedPath(manager: EntityManager, path: string, numbers: number[]): Brackets {
  const dialect = dialectOf(manager.connection);
  return orLong(manager, pageCondition(dialect, 'path', path), (either) => {
    if (numbers.length === 0) return;
    for (const column of ['visit.pathSequence', 'visit.otherPaths'])
      either.orWhere(`( ${dialect.hasWord(column, numbers.map(encodePathId), ENDS)})`);
  });
}

/** Visits with an activity of the name. */
export function performed(manager: EntityManager, name: string): Brackets {
  const dialect = dialectOf(manager.connection);
  return orLong(manager, { sql: 'activity.name = :name', parameters: { name } }, (either) => {
    if (name === 'view') either.orWhere('visit.views > 0');
    else either.orWhere(dialect.contains('visit.nameCounts', ':mark'), { mark: encodedKey(name) });
  });
}

/** Oversized visits are found through their activities. */
function orLong(
  manager: EntityManager,
  { sql, parameters }: ReturnType<typeof pageCondition>,
  tell: (either: Parameters<Brackets['whereFactory']>[0]) => void,
): Brackets {
  const activities = manager
    .createQueryBuilder(Activity, 'activity')
    .select('1')
    .where('activity.visitId = visit.id')
    .andWhere(sql, parameters);
  return new Brackets((either) => {
    either.where(
      `(visit.pathSequence IS NULL AND EXISTS (${activities.getQuery()}))`,
      activities.getParameters(),
    );
    tell(either);
  });
}
