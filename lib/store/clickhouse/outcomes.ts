import { type OutcomeCount } from '../../diagnostics/outcome-counter.js';
import { HOUR } from '../../time/units.js';
import type { Server, StatementLimits } from './server.js';
import { OUTCOME } from './tables.js';

/** The table's TTL deletes rows older than 30 days. */
export async function addOutcomes(
  server: Server,
  counts: OutcomeCount[],
  limits: StatementLimits,
): Promise<void> {
  const now = await server.findNow(limits);
  const hour = now - (now % HOUR);
  const rows = counts.map((each) => ({ ...each, hour: Math.min(each.hour, hour) }));
  await server.insert(OUTCOME, rows, limits);
}

export function findOutcomes(
  server: Server,
  since: number,
  limits: StatementLimits,
): Promise<OutcomeCount[]> {
  return server.query<OutcomeCount>(
    `SELECT hour, cause, toInt64(sum(count)) AS count FROM ${OUTCOME} WHERE hour >= ${Math.trunc(since)} GROUP BY hour, cause ORDER BY hour, cause`,
    limits,
  );
}
