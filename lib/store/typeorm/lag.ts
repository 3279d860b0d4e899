import type { DataSource } from 'typeorm';
import { dialectOf } from '../../database/dialects/dialect.js';
import { queryPrimary } from '../../database/primary.js';
import { DirtyRange } from './statistics/rollup/tables/dirty-range.entity.js';

/** Returns the age of the oldest change that is not in the statistics yet, and the database's clock, in milliseconds. */
export function findLag(dataSource: DataSource): Promise<{ lag: number; now: number }> {
  return queryPrimary(dataSource, async (manager) => {
    const [clock]: { now: string | number }[] = await manager.query(
      `SELECT ${dialectOf(dataSource).now} AS now`,
    );
    const row = await manager
      .createQueryBuilder(DirtyRange, 'dirty')
      .select('MIN(dirty.createdAt)', 'oldest')
      // Ranges from before the first rollup have no date. Deferred ranges contain only large visits, and no query waits for them.
      .where('dirty.createdAt > 0 AND NOT dirty.deferred')
      .getRawOne<{ oldest: string | number | null }>();
    const now = Number(clock?.now);
    return { now, lag: row?.oldest == null ? 0 : Math.max(0, now - Number(row.oldest)) };
  });
}
