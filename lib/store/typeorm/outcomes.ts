import { type DataSource, MoreThanOrEqual } from 'typeorm';
import { connectionsOf } from '../../database/connections.js';
import { dialectOf } from '../../database/dialects/dialect.js';
import { queryPrimary, uncached } from '../../database/primary.js';
import { Table } from '../../database/table.js';
import { type OutcomeCount, sumOutcomes } from '../../diagnostics/outcome-counter.js';
import { HOUR } from '../../time/units.js';
import { databaseNow } from './database-now.js';
import { Outcome } from './tables/outcome.entity.js';

/** Milliseconds. */
const KEPT = 30 * 24 * HOUR;

/** When old counts of each data source were last deleted, in milliseconds since 1970 by the database's clock. */
const cleanedAt = new WeakMap<DataSource, number>();

/** Uses a writer's connection, so that slow queries do not delay it. */
export async function addOutcomes(
  dataSource: DataSource,
  counts: OutcomeCount[],
  timeout: number,
): Promise<void> {
  const connections = connectionsOf(dataSource);
  await connections.ask(
    (signal) =>
      connections.use(async (connection) => {
        const now = await databaseNow(connection);
        const hour = now - (now % HOUR);
        const rows = sumOutcomes(counts.map((each) => ({ ...each, hour: Math.min(each.hour, hour) })));
        // All instances write in the same order, to avoid deadlocks.
        rows.sort((a, b) => a.hour - b.hour || (a.cause < b.cause ? -1 : 1));
        const insertion = new Table(dataSource, Outcome).insert(rows, { add: 'count' });
        await dialectOf(dataSource).write(connection, [insertion], timeout);
        if (hour === cleanedAt.get(dataSource)) return;
        await uncached(dataSource, connection.runner)
          .createQueryBuilder()
          .delete()
          .from(Outcome)
          .where('hour < :oldest', { oldest: now - KEPT })
          .execute();
        cleanedAt.set(dataSource, hour);
      }, signal),
    { timeout, symptom: null, slots: connections.writers },
  );
}

export function findOutcomes(dataSource: DataSource, since: number): Promise<OutcomeCount[]> {
  return queryPrimary(dataSource, async (manager) => {
    const rows = await manager.find(Outcome, { where: { hour: MoreThanOrEqual(since) } });
    return rows.map(({ hour, cause, count }) => ({ hour, cause, count }));
  });
}
