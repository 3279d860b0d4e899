import { Brackets, type EntityManager } from 'typeorm';
import { Activity } from '../../../../activity/activity.entity.js';
import { pageCondition } from '../../../../activity/activity.filter.js';
import { dialectOf } from '../../../../database/dialects/dialect.js';
import { markOf } from '../rollup/name-counts.js';
import { ENDS, stepOf } from '../rollup/path-sequence.js';

/** The visits that were at a path, by its numbers: as their rows tell. */
export function beenAt(manager: EntityManager, path: string, numbers: number[]): Brackets {
  const dialect = dialectOf(manager.connection);
  return orLong(manager, pageCondition(dialect, 'path', path), (either) => {
    if (numbers.length === 0) return;
    for (const column of ['visit.way', 'visit.beside'])
      either.orWhere(`( ${dialect.hasWord(column, numbers.map(stepOf), ENDS)})`);
  });
}

/** The visits that did something, as their rows tell. */
export function haveDone(manager: EntityManager, name: string): Brackets {
  const dialect = dialectOf(manager.connection);
  return orLong(manager, { sql: 'activity.name = :name', parameters: { name } }, (either) => {
    if (name === 'view') either.orWhere('visit.views > 0');
    else either.orWhere(dialect.contains('visit.doings', ':mark'), { mark: markOf(name) });
  });
}

/** Of visits with too many activities the row does not tell. */
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
    either.where(`(visit.way IS NULL AND EXISTS (${activities.getQuery()}))`, activities.getParameters());
    tell(either);
  });
}
