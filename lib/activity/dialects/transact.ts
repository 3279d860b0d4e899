import type { DataSource, EntityManager, QueryRunner } from 'typeorm';
import type { Insert, Statement } from './dialect.js';

/** Statements around a transaction, and at its beginning. */
interface Settings {
  before?: string[];
  inside?: string[];
  /** Undoes what was done before it: the connection goes back to the pool. */
  after?: string[];
}

/** {@link Dialect.transact} where each who queries has a connection. */
export function transact(
  dataSource: DataSource,
  settings: Settings,
  guard: Statement,
  statements: (Statement | Insert)[],
  insert: (each: Insert) => Statement,
): Promise<number> {
  // MySQL's own default would lock the rows that an `INSERT … SELECT` reads, and so stop those who write activities.
  return onConnection(dataSource, 'READ COMMITTED', settings, async (runner) => {
    const { affected = 0 }: { affected?: number } = await runner.query(...guard, true);
    if (affected === 0) return 0;
    for (const statement of statements) {
      await runner.query(...(Array.isArray(statement) ? statement : insert(statement)));
    }
    await runner.commitTransaction();
    return affected;
  });
}

/** {@link Dialect.reading} where each who queries has a connection. */
export function readingIn<T>(
  dataSource: DataSource,
  settings: Settings,
  read: (manager: EntityManager) => Promise<T>,
): Promise<T> {
  return onConnection(dataSource, 'REPEATABLE READ', settings, (runner) => read(runner.manager));
}

/** What is not committed by `work` is rolled back. */
async function onConnection<T>(
  dataSource: DataSource,
  isolation: Parameters<QueryRunner['startTransaction']>[0],
  { before = [], inside = [], after = [] }: Settings,
  work: (runner: QueryRunner) => Promise<T>,
): Promise<T> {
  const runner = dataSource.createQueryRunner();
  try {
    for (const setting of before) await runner.query(setting);
    await runner.startTransaction(isolation);
    for (const setting of inside) await runner.query(setting);
    return await work(runner);
  } finally {
    // On a lost connection the database does it itself.
    if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => {});
    for (const setting of after) await runner.query(setting).catch(() => {});
    await runner.release();
  }
}
