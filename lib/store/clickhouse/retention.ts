import type { ErasureSelection, RetentionPlan, RetentionResult } from '../erasure.types.js';
import { monotonicClock } from '../../time/clock.js';
import { countIdentifying } from './anonymisation.js';
import { countRows } from './erasure.js';
import { buildConditions } from './filter.js';
import type { Server } from './server.js';
import { all, text } from './sql.js';
import { STATE } from './tables.js';

const STATE_OF_RETENTION = 'retention';

type Filter = ErasureSelection['filter'];

/** Each returns how many activities it changed. */
interface Changes {
  erase: (filter: Filter) => Promise<number>;
  anonymise: (filter: Filter) => Promise<number>;
}

/**
 * Erases and anonymises old activities. Two instances may do it at once without harm.
 * @throws Error for `figures: 'keep'`, which ClickHouse does not support
 */
export async function retain(
  server: Server,
  plan: RetentionPlan,
  { erase, anonymise }: Changes,
  pace: (took: number) => Promise<void>,
): Promise<RetentionResult> {
  const { now } = await retainedAt(server);
  const run = async (change: (filter: Filter) => Promise<number>, filters: Filter[]): Promise<number> => {
    let changed = 0;
    for (const filter of filters) {
      const begun = monotonicClock.now();
      changed += await change(filter);
      await pace(monotonicClock.now() - begun);
    }
    return changed;
  };
  const erased = await run(erase, filtersToErase(plan));
  const { anonymiseBefore } = plan;
  const anonymised = await run(anonymise, anonymiseBefore === undefined ? [] : [{ to: anonymiseBefore }]);
  await server.command(
    `INSERT INTO ${STATE} (name, value) VALUES (${text(STATE_OF_RETENTION)}, ${now})`,
    {},
    { async_insert: 0 },
  );
  return { erased, anonymised };
}

export async function previewRetention(server: Server, plan: RetentionPlan): Promise<RetentionResult> {
  const toErase = filtersToErase(plan).map((filter) => all(buildConditions(filter)));
  const erased = toErase.length > 0 ? await countRows(server, toErase.map(inBrackets).join(' OR ')) : 0;
  const { anonymiseBefore, properties } = plan;
  if (anonymiseBefore === undefined) return { erased, anonymised: 0 };
  const condition = all([
    ...buildConditions({ to: anonymiseBefore }),
    ...toErase.map((erasedFirst) => `NOT ${inBrackets(erasedFirst)}`),
  ]);
  return { erased, anonymised: await countIdentifying(server, condition, properties) };
}

function inBrackets(condition: string): string {
  return `(${condition})`;
}

export async function retainedAt(server: Server): Promise<{ doneAt: number; now: number }> {
  const [row] = await server.query<{ doneAt: number; now: number }>(
    `SELECT max(value) AS doneAt, toUnixTimestamp64Milli(now64(3)) AS now FROM ${STATE} WHERE name = ${text(STATE_OF_RETENTION)}`,
  );
  return row ?? { doneAt: 0, now: 0 };
}

function filtersToErase({ eraseBefore, figures, names }: RetentionPlan): Filter[] {
  if (eraseBefore !== undefined && figures === 'keep')
    throw new Error(
      'Djaffar: the store on ClickHouse cannot keep the counts of erased activities yet (the option "retention.figures")',
    );
  return [
    ...(eraseBefore === undefined ? [] : [{ to: eraseBefore }]),
    ...names.map(({ name, before }) => ({ name, to: before })),
  ];
}
