import { type EntityManager, LessThan, MoreThan } from 'typeorm';
import { DirtyRange } from '../rollup/tables/dirty-range.entity.js';
import type { StatisticsQuery } from '../filter/statistics-query.js';
import { floor, QUARTER, type TimeRange } from '../../../../statistics/time/time-range.js';
import { DAY } from '../../../../time/units.js';
import { RollupState } from '../rollup/tables/rollup-state.entity.js';

const MAX_TRIES = 20;

/**
 * Reads the path rollup: daily before `compactedUntil`, quarter-hourly after. If a day is compacted during the read, it may be
 * missing from both, so the read is repeated. This happens only if SQLite is read by this process: other reads have a snapshot.
 */
export async function retryOnCompaction<T>(
  { manager }: StatisticsQuery,
  read: (compactedUntil: number) => Promise<T>,
): Promise<T> {
  const mark = async (): Promise<number> =>
    (await manager.findOneByOrFail(RollupState, { id: 1 })).compactedUntil.getTime();
  let compactedUntil = await mark();
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const found = await read(compactedUntil);
    const now = await mark();
    if (now === compactedUntil) return found;
    compactedUntil = now;
  }
  throw new Error(`the statistics were compacted ${MAX_TRIES} times during the query; try again`);
}

/** The part of the range that consists of whole buckets. */
export function alignedRange({ since, until }: TimeRange, compactedUntil: number): TimeRange | undefined {
  const up = (instant: number): number => {
    const span = bucketSizeAt(instant, compactedUntil);
    return floor(instant + span - 1, span);
  };
  const whole = { since: up(since), until: floor(until, bucketSizeAt(until, compactedUntil)) };
  return whole.since < whole.until ? whole : undefined;
}

/** The range to sum from the rollup, and the ranges to add and to subtract from raw activities. */
export interface Parts {
  rollup?: TimeRange;
  add: TimeRange[];
  subtract: TimeRange[];
}

/** If a bucket is only partly in the range, the shorter part is counted from raw activities. */
export async function splitRange(
  { manager }: StatisticsQuery,
  range: TimeRange,
  compactedUntil: number,
): Promise<Parts> {
  const whole = alignedRange(range, compactedUntil);
  if (!whole) return { add: [range], subtract: [] };
  const first = floor(range.since, bucketSizeAt(range.since, compactedUntil));
  const ends = [
    { inside: { since: range.since, until: whole.since }, outside: { since: first, until: range.since } },
    {
      inside: { since: whole.until, until: range.until },
      outside: { since: range.until, until: whole.until + bucketSizeAt(range.until, compactedUntil) },
    },
  ];
  const parts = { rollup: { ...whole }, add: new Array<TimeRange>(), subtract: new Array<TimeRange>() };
  for (const { inside, outside } of ends) {
    if (lengthOf(inside) === 0) continue;
    // Activities that arrived after the sum must not be subtracted from it.
    if (lengthOf(inside) <= lengthOf(outside) || (await isDirty(manager, outside))) parts.add.push(inside);
    else {
      parts.subtract.push(outside);
      parts.rollup.since = Math.min(parts.rollup.since, outside.since);
      parts.rollup.until = Math.max(parts.rollup.until, outside.until);
    }
  }
  return parts;
}

function lengthOf({ since, until }: TimeRange): number {
  return until - since;
}

async function isDirty(manager: EntityManager, { since, until }: TimeRange): Promise<boolean> {
  const where = { since: LessThan(new Date(until)), until: MoreThan(new Date(since)) };
  // Not `existsBy`, which may come from TypeORM's cache.
  return (await manager.findOneBy(DirtyRange, where)) !== null;
}

/** Whether a bucket starts at the instant. */
export function isBucketStart(instant: number, compactedUntil: number): boolean {
  return instant % bucketSizeAt(instant, compactedUntil) === 0;
}

function bucketSizeAt(instant: number, compactedUntil: number): number {
  return instant < compactedUntil ? DAY : QUARTER;
}
