import type { DataSource, QueryResult } from 'typeorm';
import type { Insert, Statement } from './dialect.js';

/** {@link Dialect.transact} where each who queries has a connection. */
export async function transact(
  dataSource: DataSource,
  guard: Statement,
  statements: (Statement | Insert)[],
  insert: (each: Insert) => Statement,
): Promise<number> {
  const runner = dataSource.createQueryRunner();
  try {
    // MySQL's own default would lock the rows that an `INSERT … SELECT` reads, and so stop those who write activities.
    await runner.startTransaction('READ COMMITTED');
    const { affected = 0 }: QueryResult = await runner.query(...guard, true);
    if (affected === 0) {
      await runner.rollbackTransaction();
      return 0;
    }
    for (const statement of statements) {
      await runner.query(...(Array.isArray(statement) ? statement : insert(statement)));
    }
    await runner.commitTransaction();
    return affected;
  } catch (error) {
    if (runner.isTransactionActive) await runner.rollbackTransaction().catch(() => {});
    throw error;
  } finally {
    await runner.release();
  }
}
