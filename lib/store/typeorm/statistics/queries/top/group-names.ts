import { Activity } from '../../../../../activity/activity.js';
import type { TopRow } from '../../../../../statistics/statistics.types.js';
import type { StatisticsQuery } from '../../filter/statistics-query.js';
import { matchesSearch } from './rank.js';

/** Adds the latest names of groups, each found by the index of groups and dates. */
export async function addGroupNames(selection: StatisticsQuery, rows: TopRow[]): Promise<TopRow[]> {
  const named: TopRow[] = [];
  for (const row of rows) named.push({ ...row, name: await findGroupName(row.value ?? '', selection) });
  return named;
}

/** SQL of the groups that had a name that matches `:search` in an activity since an instant. */
export function groupsMatching(selection: StatisticsQuery, since: number): string {
  const query = selection.manager
    .createQueryBuilder(Activity, 'activity')
    .select('activity.groupId')
    .where('activity.groupId IS NOT NULL')
    .andWhere(`activity.date >= ${since}`)
    .andWhere(matchesSearch('activity.groupName'));
  selection.applyScope(query);
  return query.getQuery();
}

async function findGroupName(group: string, selection: StatisticsQuery): Promise<string | null> {
  const { manager, dialect } = selection;
  const query = manager
    .createQueryBuilder(Activity, 'activity')
    .select('activity.groupName', 'name')
    .where('activity.groupId = :group', { group })
    .andWhere('activity.groupName IS NOT NULL')
    .orderBy('activity.date', 'DESC')
    .addOrderBy(dialect.idOrder('activity.id'), 'DESC')
    .limit(1);
  selection.applyScope(query);
  return (await query.getRawOne<{ name: string }>())?.name ?? null;
}
