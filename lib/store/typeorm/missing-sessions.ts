import { type DataSource, type EntityManager, In } from 'typeorm';
import { connectionsOf } from '../../database/connections.js';
import { uncached } from '../../database/primary.js';
import { chunks } from '../../database/chunks.js';
import { Activity } from '../../activity/activity.js';
import type { NewSession } from '../../activity/session.js';
import { dialectOf } from '../../database/dialects/dialect.js';
import { DirtyRange } from './statistics/rollup/tables/dirty-range.entity.js';
import { dirtyRangesForInsert } from './statistics/rollup/dirty-ranges.js';
import { Session } from '../../activity/session.js';
import { Table } from '../../database/table.js';

type Orphan = Pick<Activity, 'id' | 'date' | 'visitId'>;

/** How many activities of a session are locked, so that at least one still exists when the session is committed. */
const MAX_LOCKED = 100;

/**
 * Restores sessions that an erasure has deleted although they have activities: the erasure does not see activities that are being written,
 * and the writer does not store a session again that it has just stored. Statistics are recomputed, because the flag `bot` is in the
 * session. A session without activities stays erased.
 * @param symptom the text in the log if the database fails
 * @returns how many sessions were stored
 * @throws UnavailableError
 */
export async function restoreMissingSessions(
  dataSource: DataSource,
  sessions: NewSession[],
  symptom?: string,
): Promise<number> {
  const options = symptom === undefined ? {} : { symptom };
  // In this process: another one would have to be started for a few keys.
  const ask = <T>(work: (manager: EntityManager) => Promise<T>): Promise<T> =>
    connectionsOf(dataSource).ask(
      (signal) => connectionsOf(dataSource).use(({ runner }) => work(uncached(dataSource, runner)), signal),
      options,
    );
  let restored = 0;
  for (const some of chunks(sessions)) {
    const ids = some.map(({ id }) => id);
    if ((await ask((manager) => countStored(manager, ids))) === ids.length) continue;
    const stored = await ask((manager) => findStored(manager, ids));
    for (const session of some) {
      if (stored.has(session.id)) continue;
      for (;;) {
        const orphans = await ask((manager) => findActivities(manager, session.id));
        if (orphans.length === 0) break;
        const isRestored = await connectionsOf(dataSource).ask(
          (signal) => insertSession(dataSource, session, orphans, signal),
          options,
        );
        // If these activities were erased in the meantime, there may be others.
        if (!isRestored) continue;
        restored += 1;
        break;
      }
    }
  }
  return restored;
}

/** Nearly always all are stored, and the count is cheaper than the ids. A query builder would take longer than the database. */
async function countStored({ connection, queryRunner }: EntityManager, ids: string[]): Promise<number> {
  const table = new Table(connection, Session);
  const parameters = ids.map((_, i) => connection.driver.createParameter(`id${i}`, i)).join(',');
  const [row] = await connection.query<{ count: string | number }[]>(
    `SELECT COUNT(*) AS count FROM ${table.name} WHERE ${table.column('id')} IN (${parameters})`,
    ids,
    queryRunner,
  );
  return Number(row?.count);
}

async function findStored(manager: EntityManager, ids: string[]): Promise<Set<string>> {
  const found = await manager
    .createQueryBuilder(Session, 'session')
    .select('session.id', 'id')
    .where({ id: In(ids) })
    .getRawMany<{ id: string }>();
  return new Set(found.map(({ id }) => id));
}

function findActivities(manager: EntityManager, sessionId: string): Promise<Orphan[]> {
  return manager
    .createQueryBuilder(Activity, 'activity')
    .select(['activity.id', 'activity.date', 'activity.visitId'])
    .where({ sessionId })
    .getMany();
}

/**
 * The first statement locks activities: an erasure of them that comes later waits for the commit and deletes the session
 * too; after one that came earlier, nothing is done.
 */
async function insertSession(
  dataSource: DataSource,
  session: NewSession,
  orphans: Orphan[],
  signal: AbortSignal,
): Promise<boolean> {
  const lock = dataSource
    .createQueryBuilder()
    .update(Activity)
    .set({ sessionId: session.id })
    .where({ id: In(orphans.slice(0, MAX_LOCKED).map(({ id }) => id)) })
    .getQueryAndParameters();
  const inserts = [
    new Table(dataSource, Session).insert([session.row()]),
    new Table(dataSource, DirtyRange, { clock: 'createdAt' }).insert(dirtyRangesForInsert(orphans)),
  ];
  return (await dialectOf(dataSource).transact(dataSource, lock, inserts, signal)) > 0;
}
