import type { SelectQueryBuilder } from 'typeorm';
import { Activity } from '../../activity/activity.js';
import type { ParsedScope } from '../../activity/activity.filter.js';
import type { Dialect } from '../../database/dialects/dialect.js';
import { scopeConditions } from './activity-query.js';
import type { Visit } from './statistics/rollup/tables/visit.entity.js';

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
