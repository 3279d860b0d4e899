import { type DataSource, In } from 'typeorm';
import { connectionsOf, type LentConnection } from '../../database/connections.js';
import { dialectOf } from '../../database/dialects/dialect.js';
import { uncached } from '../../database/primary.js';
import { Table } from '../../database/table.js';
import type { CookielessVisit, Salt } from '../../privacy/salt.js';
import { CookielessVisit as CookielessVisitTable } from './tables/cookieless-visit.entity.js';
import { Salt as SaltTable } from './tables/salt.entity.js';

/** Milliseconds after which the row of a visit is deleted: a visit's 24 hours, and a day for clocks that differ. */
const FORGOTTEN = 2 * 86_400_000;

/**
 * The salts of this period and the one before; all others are deleted, and the visits of their sessions. It takes the place of a
 * writer, as all here do: questions that take long must not keep a request from being stored.
 * @param next is stored unless another instance was quicker
 */
export function loadSalts(dataSource: DataSource, next: Salt, timeout: number): Promise<Salt[]> {
  const { period } = next;
  return withConnection(dataSource, timeout, async (connection) => {
    const manager = uncached(dataSource, connection.runner);
    const insertion = new Table(dataSource, SaltTable).insert([next]);
    await dialectOf(dataSource).write(connection, [insertion], timeout);
    // The clock of another instance may be ahead by a period.
    await manager
      .createQueryBuilder()
      .delete()
      .from(SaltTable)
      .where('period < :oldest OR period > :newest', { oldest: period - 1, newest: period + 1 })
      .execute();
    await manager
      .createQueryBuilder()
      .delete()
      .from(CookielessVisitTable)
      .where('lastSeen < :oldest', { oldest: Date.now() - FORGOTTEN })
      .execute();
    return manager.find(SaltTable);
  });
}

export function findClaimedVisits(
  dataSource: DataSource,
  sessions: string[],
  timeout: number,
): Promise<CookielessVisit[]> {
  return withConnection(dataSource, timeout, ({ runner }) =>
    uncached(dataSource, runner).findBy(CookielessVisitTable, { sessionId: In(sessions) }),
  );
}

/** @returns whether the stored visit was still the one before; `undefined`: whether there was none */
export async function claimVisit(
  dataSource: DataSource,
  { sessionId, ...values }: CookielessVisit,
  before: CookielessVisit | undefined,
  timeout: number,
): Promise<boolean> {
  const change = before
    ? dataSource.createQueryBuilder().update(CookielessVisitTable).set(values).where(before)
    : dataSource
        .createQueryBuilder()
        .insert()
        .into(CookielessVisitTable)
        .values({ sessionId, ...values })
        .orIgnore()
        .updateEntity(false);
  const changed = await connectionsOf(dataSource).ask(
    (signal) => dialectOf(dataSource).transact(dataSource, change.getQueryAndParameters(), [], signal),
    { timeout, subject: null, slots: connectionsOf(dataSource).writers },
  );
  return changed > 0;
}

function withConnection<T>(
  dataSource: DataSource,
  timeout: number,
  work: (connection: LentConnection) => Promise<T>,
): Promise<T> {
  const connections = connectionsOf(dataSource);
  return connections.ask((signal) => connections.use(work, signal), {
    timeout,
    subject: null,
    slots: connections.writers,
  });
}
