import { Brackets, type EntityManager, type SelectQueryBuilder } from 'typeorm';
import { Activity } from '../../../../activity/activity.js';
import { pageCondition, scopeConditions } from '../../activity-query.js';
import { dialectOf, type Dialect } from '../../../../database/dialects/dialect.js';
import { encodedKey } from '../rollup/name-counts.js';
import { ENDS, encodePathId } from '../rollup/path-sequence.js';
import type { ParsedScope } from '../../../../activity/activity.filter.js';
import type { Visit } from '../rollup/tables/visit.entity.js';

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

/** Restricts visits to those within the scope, because a visit row would disclose activities outside of it. */
export function leaveOutVisitsBeyond(
  query: SelectQueryBuilder<Visit>,
  scope: readonly ParsedScope[],
  dialect: Dialect,
): void {
  const conditions = scopeConditions(scope, dialect);
  const within = conditions.map(({ sql }) => `(${sql})`).join(' AND ');
  const beyond = query
    .subQuery()
    .select('1')
    .from(Activity, 'activity')
    .where(`activity.visitId = ${query.alias}.id`)
    .andWhere(`CASE WHEN ${within} THEN 0 ELSE 1 END = 1`);
  query.andWhere(`NOT EXISTS ${beyond.getQuery()}`);
  for (const { parameters } of conditions) query.setParameters(parameters);
}
