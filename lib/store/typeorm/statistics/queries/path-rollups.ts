import { type EntityManager, LessThan, MoreThan } from 'typeorm';
import { DirtyRange } from '../rollup/tables/dirty-range.entity.js';
import type { Selection } from '../filter/statistics-query.js';
import { DAY, floor, QUARTER, type Stretch } from '../../../../statistics/time/time-range.js';
import { RollupState } from '../rollup/tables/rollups.entity.js';

const MAX_TRIES = 20;

/**
 * What is read from the sums of paths, which are of days up to the one that `read` is given, then of quarters of an
 * hour. It is read again where a day was put together meanwhile, which may have been seen as neither.
 */
export async function settled<T>(
  { manager }: Selection,
  read: (daysUntil: number) => Promise<T>,
): Promise<T> {
  const mark = async (): Promise<number> =>
    (await manager.findOneByOrFail(RollupState, { id: 1 })).daysUntil.getTime();
  let daysUntil = await mark();
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = await read(daysUntil);
    const now = await mark();
    if (now === daysUntil) return found;
    daysUntil = now;
  }
  throw new Error(`the days of the statistics have moved ${MAX_TRIES} times while they were read`);
}

/** What of the range there are such sums of. */
export function wholeOf({ since, until }: Stretch, daysUntil: number): Stretch | undefined {
  const up = (instant: number): number => {
    const span = spanAt(instant, daysUntil);
    return floor(instant + span - 1, span);
  };
  const whole = { since: up(since), until: floor(until, spanAt(until, daysUntil)) };
  return whole.since < whole.until ? whole : undefined;
}

/** Where there are sums to add up, what is counted in addition, and what the sums have too much. */
export interface Parts {
  summed?: Stretch;
  added: Stretch[];
  removed: Stretch[];
}

/** Of what has one sum but is not all in the range, the smaller part is counted. */
export async function partsOf({ manager }: Selection, range: Stretch, daysUntil: number): Promise<Parts> {
  const whole = wholeOf(range, daysUntil);
  if (!whole) return { added: [range], removed: [] };
  const first = floor(range.since, spanAt(range.since, daysUntil));
  const ends = [
    { inside: { since: range.since, until: whole.since }, outside: { since: first, until: range.since } },
    {
      inside: { since: whole.until, until: range.until },
      outside: { since: range.until, until: whole.until + spanAt(range.until, daysUntil) },
    },
  ];
  const parts = { summed: { ...whole }, added: new Array<Stretch>(), removed: new Array<Stretch>() };
  for (const { inside, outside } of ends) {
    if (lengthOf(inside) === 0) continue;
    // What came in since the sum was made must not be taken from it.
    if (lengthOf(inside) <= lengthOf(outside) || (await isDirty(manager, outside))) parts.added.push(inside);
    else {
      parts.removed.push(outside);
      parts.summed.since = Math.min(parts.summed.since, outside.since);
      parts.summed.until = Math.max(parts.summed.until, outside.until);
    }
  }
  return parts;
}

function lengthOf({ since, until }: Stretch): number {
  return until - since;
}

async function isDirty(manager: EntityManager, { since, until }: Stretch): Promise<boolean> {
  const where = { since: LessThan(new Date(until)), until: MoreThan(new Date(since)) };
  // Not `existsBy`, which may come from TypeORM's cache.
  return (await manager.findOneBy(DirtyRange, where)) !== null;
}

/** Whether one of them begins at the instant. */
export function isBeginning(instant: number, daysUntil: number): boolean {
  return instant % spanAt(instant, daysUntil) === 0;
}

function spanAt(instant: number, daysUntil: number): number {
  return instant < daysUntil ? DAY : QUARTER;
}
