import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import { connectionsOf, type LentConnection } from '../connections.js';
import type { Standby } from '../standbys/standby.js';
import type { Insert, Statement } from './dialect.types.js';

/** Statements around a transaction, and at its beginning. */
interface Settings {
  before?: string[];
  inside?: string[];
  /** Resets the connection before it goes back to the pool. */
  after?: string[];
}

/** {@link Dialect.transact} for databases with a connection pool. */
export function transact(
  dataSource: DataSource,
  settings: Settings,
  guard: Statement,
  statements: (Statement | Insert)[],
  insert: (each: Insert) => Statement,
  signal?: AbortSignal,
): Promise<number> {
  // MySQL's default would lock the rows that an `INSERT … SELECT` reads, and so block writers.
  return inTransaction(dataSource, 'READ COMMITTED', settings, signal, async ({ runner }) => {
    const { affected = 0 }: { affected?: number } = await runner.query(...guard, true);
    if (affected === 0) return 0;
    for (const statement of statements) {
      await runner.query(...(Array.isArray(statement) ? statement : insert(statement)));
    }
    await runner.commitTransaction();
    return affected;
  });
}

/** {@link Dialect.reading} for databases with a connection pool. */
export function readingIn<T>(
  dataSource: DataSource,
  settings: Settings,
  read: (manager: EntityManager) => Promise<T>,
  signal?: AbortSignal,
  standby?: Standby,
): Promise<T> {
  const work = ({ runner }: LentConnection): Promise<T> => read(runner.manager);
  return inTransaction(dataSource, 'REPEATABLE READ', settings, signal, work, standby);
}

function inTransaction<T>(
  dataSource: DataSource,
  isolation: Parameters<QueryRunner['startTransaction']>[0],
  settings: Settings,
  signal: AbortSignal | undefined,
  work: (connection: LentConnection) => Promise<T>,
  standby?: Standby,
): Promise<T> {
  const run = (connection: LentConnection): Promise<T> =>
    runTransaction(connection, settings, () => work(connection), isolation);
  return connectionsOf(dataSource).use(run, signal, { standby });
}

/** Runs the work in a transaction on a connection, and rolls back if the work does not commit. */
export async function runTransaction<T>(
  { runner, destroy }: LentConnection,
  { before = [], inside = [], after = [] }: Settings,
  work: () => Promise<T>,
  isolation?: Parameters<QueryRunner['startTransaction']>[0],
): Promise<T> {
  try {
    for (const setting of before) await runner.query(setting);
    await runner.startTransaction(isolation);
    for (const setting of inside) await runner.query(setting);
    return await work();
  } finally {
    // The host must not get a connection back that is still in a transaction, or has settings of ours.
    try {
      if (runner.isTransactionActive) await runner.rollbackTransaction();
      for (const setting of after) await runner.query(setting);
    } catch {
      destroy();
    }
  }
}
