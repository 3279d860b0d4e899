import { type DataSource, In } from 'typeorm';
import type { ParsedScope } from '../../../activity/activity.filter.js';
import { type Cursor, MAX_LIMIT } from '../../../activity/pagination.js';
import type { PersonalRecord, PersonalVisit } from '../../../activity/user-activity.js';
import { dialectOf } from '../../../database/dialects/dialect.js';
import { queryPrimary } from '../../../database/primary.js';
import { PERSONAL_VISIT_COLUMNS } from '../../personal-visit.js';
import type { ErasureSelection } from '../../erasure.types.js';
import { splitSelection } from '../erasure.js';
import { Visit } from '../statistics/rollup/tables/visit.entity.js';
import { leaveOutVisitsBeyond } from '../statistics/filter/visit-conditions.js';
import { readPage } from './activities.js';

/** Streams what an erasure of the selection would erase. Only the ids of sessions and visits are held in memory. */
export async function* personalDataOf(
  dataSource: DataSource,
  selection: ErasureSelection,
): AsyncGenerator<PersonalRecord, void, void> {
  const sessions = new Set<string>();
  const visits = new Set<string>();
  for (const part of splitSelection(selection, { kind: 'erase' })) {
    let after: Cursor | undefined;
    for (;;) {
      const rows = await readPage(dataSource, part, { limit: MAX_LIMIT, after, order: 'asc' });
      for (const { session } of rows) {
        if (!session || sessions.has(session.id)) continue;
        sessions.add(session.id);
        yield { kind: 'session', data: session };
      }
      const unseen = new Set(rows.flatMap(({ visitId }) => visitId ?? []).filter((id) => !visits.has(id)));
      for (const id of unseen) visits.add(id);
      for (const data of await findVisits(dataSource, [...unseen], selection.filter.scope))
        yield { kind: 'visit', data };
      for (const { session: _, ...data } of rows) yield { kind: 'activity', data };
      const last = rows.at(-1);
      if (!last || rows.length < MAX_LIMIT) break;
      after = { date: last.date.getTime(), id: last.id };
    }
  }
}

function findVisits(
  dataSource: DataSource,
  ids: string[],
  scope: readonly ParsedScope[] | undefined,
): Promise<PersonalVisit[]> {
  if (ids.length === 0) return Promise.resolve([]);
  return queryPrimary(dataSource, (manager) => {
    const query = manager
      .createQueryBuilder(Visit, 'visit')
      .select(PERSONAL_VISIT_COLUMNS.map((column) => `visit.${column}`))
      .where({ id: In(ids) })
      .orderBy('visit.startedAt', 'ASC');
    if (scope) leaveOutVisitsBeyond(query, scope, dialectOf(dataSource));
    return query.getMany();
  });
}
