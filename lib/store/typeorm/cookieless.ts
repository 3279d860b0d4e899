import type { DataSource } from 'typeorm';
import { connectionsOf, type LentConnection } from '../../database/connections.js';
import { dialectOf, type Statement } from '../../database/dialects/dialect.js';
import { uncached } from '../../database/primary.js';
import { Table } from '../../database/table.js';
import { type CookielessVisit, MAX_RESERVATION_AGE, type Salt } from '../../privacy/salt.js';
import { monotonicClock } from '../../time/clock.js';
import { databaseNow } from './database-now.js';
import { CookielessVisit as CookielessVisitTable, Salt as SaltTable } from './tables/cookieless.entity.js';

/**
 * The salts of this period and the one before; all others are deleted. Like all functions in this file, it uses a writer's connection, so
 * that slow queries do not delay writes.
 * @param next makes the salt of a date by the database's clock; it is stored unless another instance was quicker
 */
export function loadSalts(
  dataSource: DataSource,
  next: (now: number) => Salt,
  timeout: number,
): Promise<Salt[]> {
  return withConnection(dataSource, timeout, async (connection) => {
    const salt = next(await databaseNow(connection));
    const { period } = salt;
    const manager = uncached(dataSource, connection.runner);
    const insertion = new Table(dataSource, SaltTable).insert([salt]);
    await dialectOf(dataSource).write(connection, [insertion], timeout);
    // Another instance may have stored the next one at this very moment.
    await manager
      .createQueryBuilder()
      .delete()
      .from(SaltTable)
      .where('period < :oldest OR period > :newest', { oldest: period - 1, newest: period + 1 })
      .execute();
    return manager.find(SaltTable);
  });
}

/**
 * Deletes the rows of visits that ended long ago by the database's clock.
 * @param limit so many at most, those of the oldest first
 * @returns how many
 */
export async function deleteReservedVisits(
  dataSource: DataSource,
  limit: number,
  timeout: number,
): Promise<number> {
  const deadline = monotonicClock.now() + timeout;
  const { sessions, oldest } = await withConnection(dataSource, timeout, async (connection) => {
    const now = await databaseNow(connection);
    const rows = await uncached(dataSource, connection.runner)
      .createQueryBuilder(CookielessVisitTable, 'visit')
      .select('visit.sessionId', 'sessionId')
      .where('visit.lastSeen < :oldest', { oldest: now - MAX_RESERVATION_AGE })
      .orderBy('visit.lastSeen')
      .limit(limit)
      .getRawMany<{ sessionId: string }>();
    return { sessions: rows.map(({ sessionId }) => sessionId), oldest: now - MAX_RESERVATION_AGE };
  });
  if (sessions.length === 0) return 0;
  const deletion = dataSource
    .createQueryBuilder()
    .delete()
    .from(CookielessVisitTable)
    .where('sessionId IN (:...sessions) AND lastSeen < :oldest', { sessions, oldest });
  return change(dataSource, deletion, Math.max(1, deadline - monotonicClock.now()));
}

export function findReservedVisits(
  dataSource: DataSource,
  sessions: string[],
  timeout: number,
): Promise<CookielessVisit[]> {
  return withConnection(dataSource, timeout, (connection) => readVisits(dataSource, connection, sessions));
}

export function reserveVisits(
  dataSource: DataSource,
  visits: CookielessVisit[],
  timeout: number,
): Promise<CookielessVisit[]> {
  return withConnection(dataSource, timeout, async (connection) => {
    // In one order, so that instances do not wait for each other in a circle.
    const rows = visits.toSorted((a, b) => (a.sessionId < b.sessionId ? -1 : 1));
    const insertion = new Table(dataSource, CookielessVisitTable).insert(rows, { version: 'version' });
    await dialectOf(dataSource).write(connection, [insertion], timeout);
    const sessions = rows.map(({ sessionId }) => sessionId);
    return readVisits(dataSource, connection, sessions);
  });
}

/** Without entities: to make them takes longer than the query. */
async function readVisits(
  dataSource: DataSource,
  { runner }: LentConnection,
  sessions: string[],
): Promise<CookielessVisit[]> {
  const rows = await uncached(dataSource, runner)
    .createQueryBuilder(CookielessVisitTable, 'visit')
    .select('visit.sessionId', 'sessionId')
    .addSelect('visit.visitId', 'visitId')
    .addSelect('visit.startedAt', 'startedAt')
    .addSelect('visit.lastSeen', 'lastSeen')
    .addSelect('visit.user', 'user')
    .addSelect('visit.version', 'version')
    .where('visit.sessionId IN (:...sessions)', { sessions })
    .getRawMany<
      Record<'startedAt' | 'lastSeen', number | string> & Omit<CookielessVisit, 'startedAt' | 'lastSeen'>
    >();
  return rows.map(({ startedAt, lastSeen, ...row }) => ({
    ...row,
    startedAt: new Date(Number(startedAt)),
    lastSeen: new Date(Number(lastSeen)),
  }));
}

/** @returns how many rows were changed */
function change(
  dataSource: DataSource,
  query: { getQueryAndParameters(): Statement },
  timeout: number,
): Promise<number> {
  return connectionsOf(dataSource).ask(
    (signal) => dialectOf(dataSource).transact(dataSource, query.getQueryAndParameters(), [], signal),
    { timeout, symptom: null, slots: connectionsOf(dataSource).writers },
  );
}

function withConnection<T>(
  dataSource: DataSource,
  timeout: number,
  work: (connection: LentConnection) => Promise<T>,
): Promise<T> {
  const connections = connectionsOf(dataSource);
  return connections.ask((signal) => connections.use(work, signal), {
    timeout,
    symptom: null,
    slots: connections.writers,
  });
}
