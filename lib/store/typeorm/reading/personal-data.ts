import { type DataSource, In } from 'typeorm';
import type { Cursor } from '../../../activity/cursor.js';
import { MAX_LIMIT } from '../../../activity/pagination.js';
import type { PersonalRecord, PersonalVisit } from '../../../activity/user-activity.js';
import { askOnPrimary } from '../../../database/primary.js';
import type { ErasureSelection } from '../../store.js';
import { partsOf } from '../erasure.js';
import { Visit } from '../statistics/rollup/tables/visit.entity.js';
import { readPage } from './activities.js';

/** What an erasure of the selection takes, in constant memory but for the ids of sessions and visits. */
export async function* personalDataOf(
  dataSource: DataSource,
  selection: ErasureSelection,
): AsyncGenerator<PersonalRecord, void, void> {
  const sessions = new Set<string>();
  const visits = new Set<string>();
  for (const part of partsOf(selection)) {
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
      for (const data of await findVisits(dataSource, [...unseen])) yield { kind: 'visit', data };
      for (const { session: _, ...data } of rows) yield { kind: 'activity', data };
      const last = rows.at(-1);
      if (!last || rows.length < MAX_LIMIT) break;
      after = { date: last.date.getTime(), id: last.id };
    }
  }
}

function findVisits(dataSource: DataSource, ids: string[]): Promise<PersonalVisit[]> {
  if (ids.length === 0) return Promise.resolve([]);
  return askOnPrimary(dataSource, (manager) =>
    manager.find(Visit, {
      select: {
        id: true,
        sessionId: true,
        userId: true,
        startedAt: true,
        endedAt: true,
        duration: true,
        activities: true,
        views: true,
        bounced: true,
        browser: true,
        system: true,
        device: true,
        referrer: true,
        utmSource: true,
        utmMedium: true,
        utmCampaign: true,
        utmTerm: true,
        utmContent: true,
      },
      where: { id: In(ids) },
      order: { startedAt: 'ASC' },
    }),
  );
}
