import type { LentConnection } from '../../database/connections.js';
import { driverOf } from '../../database/driver.js';

/** Milliseconds since 1970 by the database's clock, which all instances have in common: that of an instance may be ahead. */
export async function databaseNow({ dataSource, runner }: LentConnection): Promise<number> {
  const sql = driverOf(dataSource)?.now;
  if (!sql) return Date.now();
  const [row]: { now: string | number }[] = await runner.query(`SELECT ${sql} AS now`);
  return Number(row?.now);
}
