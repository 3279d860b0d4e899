import type { ErasureSelection, RetentionPlan, RetentionResult } from '../erasure.types.js';
import { monotonicClock } from '../../time/clock.js';
import { buildConditions } from './filter.js';
import type { Server } from './server.js';
import { all, text } from './sql.js';
import { ACTIVITY, STATE } from './tables.js';

const STATE_OF_RETENTION = 'retention';

type Filter = ErasureSelection['filter'];

/**
 * Erases old activities. Two instances may do it at once without harm.
 * @param erase returns how many activities it erased
 * @throws Error for `anonymiseAfter` and `figures: 'keep'`, which ClickHouse does not support
 */
export async function retain(
  server: Server,
  plan: RetentionPlan,
  erase: (filter: Filter) => Promise<number>,
  pace: (took: number) => Promise<void>,
): Promise<RetentionResult> {
  const { now } = await retainedAt(server);
  let erased = 0;
  for (const filter of planFilters(plan)) {
    const begun = monotonicClock.now();
    erased += await erase(filter);
    await pace(monotonicClock.now() - begun);
  }
  await server.command(
    `INSERT INTO ${STATE} (name, value) VALUES (${text(STATE_OF_RETENTION)}, ${now})`,
    {},
    { async_insert: 0 },
  );
  return { erased, anonymised: 0 };
}

export async function previewRetention(server: Server, plan: RetentionPlan): Promise<RetentionResult> {
  const conditions = planFilters(plan).map((filter) => `(${all(buildConditions(filter))})`);
  if (conditions.length === 0) return { erased: 0, anonymised: 0 };
  const [row] = await server.query<{ count: number }>(
    `SELECT count() AS count FROM ${ACTIVITY} WHERE ${conditions.join(' OR ')}`,
  );
  return { erased: row?.count ?? 0, anonymised: 0 };
}

export async function retainedAt(server: Server): Promise<{ doneAt: number; now: number }> {
  const [row] = await server.query<{ doneAt: number; now: number }>(
    `SELECT max(value) AS doneAt, toUnixTimestamp64Milli(now64(3)) AS now FROM ${STATE} WHERE name = ${text(STATE_OF_RETENTION)}`,
  );
  return row ?? { doneAt: 0, now: 0 };
}

function planFilters({ eraseBefore, figures, names, anonymiseBefore }: RetentionPlan): Filter[] {
  if (anonymiseBefore !== undefined || (eraseBefore !== undefined && figures === 'keep'))
    throw new Error(
      'Djaffar: the store on ClickHouse cannot anonymise activities or keep their counts yet (the options "retention.anonymiseAfter" and "retention.figures")',
    );
  return [
    ...(eraseBefore === undefined ? [] : [{ to: eraseBefore }]),
    ...names.map(({ name, before }) => ({ name, to: before })),
  ];
}
