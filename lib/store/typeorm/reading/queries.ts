import type { DataSource, EntityTarget, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { Activity } from '../../../activity/activity.js';
import type { ParsedFilter } from '../../../activity/activity.filter.js';
import { applyAfter, applyFilter, sortColumns } from '../activity-query.js';
import type { Cursor } from '../../../activity/pagination.js';
import { dialectOf } from '../../../database/dialects/dialect.js';
import { Session } from '../../../activity/session.js';

/** The activities of a filter behind a place, the oldest first. */
export function activitiesAfter(
  dataSource: DataSource,
  filter: ParsedFilter,
  after: Cursor | undefined,
): SelectQueryBuilder<Activity> {
  const dialect = dialectOf(dataSource);
  const query = raw(dataSource, Activity, 'activity');
  // What is after a place is not before the first.
  applyFilter(query, after ? { ...filter, from: undefined } : filter, dialect);
  if (after) applyAfter(query, after, 'ASC', dialect);
  for (const column of sortColumns(dialect)) query.addOrderBy(column, 'ASC');
  return query;
}

export function querySessions(dataSource: DataSource, ids: string[]): SelectQueryBuilder<Session> {
  return raw(dataSource, Session, 'session').where('session.id IN (:...ids)', { ids });
}

/** Raw rows of the driver: building TypeORM's objects takes five times as long. */
function raw<T extends ObjectLiteral>(
  dataSource: DataSource,
  entity: EntityTarget<T>,
  alias: string,
): SelectQueryBuilder<T> {
  const query = dataSource.createQueryBuilder(entity, alias).cache(false).select([]);
  for (const { propertyName, isSelect } of dataSource.getMetadata(entity).columns)
    if (isSelect) query.addSelect(`${alias}.${propertyName}`, propertyName);
  return query;
}
