import type { EntityManager, ObjectLiteral, SelectQueryBuilder } from 'typeorm';
import { Activity } from '../../../../../activity/activity.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import type { TopRow } from '../../../../../statistics/statistics.types.js';
import { Visit } from '../../rollup/tables/visit.entity.js';
import { matchesSearch } from './rank.js';

/**
 * Adds the names of users from their latest visit, because no index finds the latest activity of a user.
 */
export async function addUserNames(selection: StatisticsQuery, rows: TopRow[]): Promise<TopRow[]> {
  const users = rows.flatMap(({ value }) => value ?? []);
  const visits = users.length > 0 ? await latestVisits(selection, users) : [];
  const found = visits.length > 0 ? await namesIn(selection, visits) : [];
  const names = new Map(found.map(({ user, name }) => [user, name]));
  return rows.map((row) => ({ ...row, name: names.get(row.value ?? '') ?? null }));
}

/** The SQL of users whose name matched `:search` in an activity since an instant. */
export function usersMatching(selection: StatisticsQuery, since: number): string {
  const query = selection.manager
    .createQueryBuilder(Activity, 'activity')
    .select('activity.userId')
    .where('activity.userId IS NOT NULL')
    .andWhere(`activity.date >= ${since}`)
    .andWhere(matchesSearch('activity.userName'));
  selection.applyScope(query);
  return query.getQuery();
}

async function latestVisits(selection: StatisticsQuery, users: string[]): Promise<string[]> {
  const { manager, dialect } = selection;
  const order = `visit.startedAt DESC, ${dialect.binary('visit.id')} DESC`;
  // A user may have another name within a scope.
  const visits = (selection.isScoped ? selection.visits() : manager.createQueryBuilder(Visit, 'visit'))
    .select('visit.id', 'id')
    .addSelect(`ROW_NUMBER() OVER (PARTITION BY visit.userId ORDER BY ${order})`, 'place')
    .andWhere('visit.userId IN (:...users)', { users });
  return (await firstOfEach<{ id: string }>(manager, visits)).map(({ id }) => id);
}

function namesIn(
  { manager, dialect }: StatisticsQuery,
  visits: string[],
): Promise<Record<'user' | 'name', string>[]> {
  const order = `activity.date DESC, ${dialect.idOrder('activity.id')} DESC`;
  const names = manager
    .createQueryBuilder(Visit, 'visit')
    .innerJoin(Activity, 'activity', 'activity.visitId = visit.id AND activity.userId = visit.userId')
    .select('visit.userId', 'user')
    .addSelect('activity.userName', 'name')
    .addSelect(`ROW_NUMBER() OVER (PARTITION BY visit.id ORDER BY ${order})`, 'place')
    .where('visit.id IN (:...visits)', { visits })
    .andWhere('activity.userName IS NOT NULL');
  return firstOfEach(manager, names);
}

function firstOfEach<T extends ObjectLiteral>(
  manager: EntityManager,
  placed: SelectQueryBuilder<ObjectLiteral>,
): Promise<T[]> {
  return manager
    .createQueryBuilder()
    .select('latest.*')
    .from(`(${placed.getQuery()})`, 'latest')
    .where(`latest.${manager.connection.driver.escape('place')} = 1`)
    .setParameters(placed.getParameters())
    .getRawMany<T>();
}
