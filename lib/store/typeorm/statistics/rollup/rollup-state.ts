import type { DataSource, EntityManager } from 'typeorm';
import { Activity } from '../../../../activity/activity.js';
import { dialectOf } from '../../../../database/dialects/dialect.js';
import { onPrimary } from '../../../../database/primary.js';
import { Table } from '../../../../database/table.js';
import { floor } from '../../../../statistics/time/time-range.js';
import { DAY } from '../../../../time/units.js';
import { dirtyDay } from './dirty-ranges.js';
import { DailyCount, NameRollup, PathRollup } from './tables/rollups.entity.js';
import { DirtyRange } from './tables/dirty-range.entity.js';
import { RollupState } from './tables/rollup-state.entity.js';
import { Visit } from './tables/visit.entity.js';

/** Milliseconds for which paths are counted in buckets of 15 minutes. */
export const KEEP_QUARTERS = 2 * DAY;
/** Milliseconds that the first query of all activities may take. */
const FIRST_LOOK = 3_600_000;

/** Reads the state; `null` if the statistics were never computed. */
export function findState(dataSource: DataSource): Promise<RollupState | null> {
  return onPrimary(dataSource, (manager) => manager.findOneBy(RollupState, { id: 1 }));
}

/** Loads the state. The first call creates it and marks every day with data dirty. */
export async function loadState(dataSource: DataSource): Promise<RollupState> {
  const state = await findState(dataSource);
  if (state) return state;
  const days = await findDays(dataSource);
  const first = dataSource
    .createQueryBuilder()
    .insert()
    .into(RollupState)
    .values({
      id: 1,
      version: 0,
      maxVisitDuration: 0,
      maxMixedDuration: 0,
      compactedUntil: new Date(floor(Date.now(), DAY) - KEEP_QUARTERS),
      frozenUntil: new Date(0),
      leaseUntil: new Date(0),
      largeFrom: new Date(0),
    })
    .orIgnore();
  const dirty = new Table(dataSource, DirtyRange).insert(
    // It is unknown since when they are dirty.
    days.map((day) => ({ ...dirtyDay(day), createdAt: new Date(0) })),
  );
  await dialectOf(dataSource).transact(
    dataSource,
    first.getQueryAndParameters(),
    days.length > 0 ? [dirty] : [],
  );
  const created = await findState(dataSource);
  if (!created) throw new Error('the state of the statistics was not stored');
  return created;
}

/** Like {@link findDays}, without frozen days. */
export async function findUnfrozenDays(dataSource: DataSource): Promise<number[]> {
  const { frozenUntil } = await loadState(dataSource);
  return (await findDays(dataSource)).filter((day) => day >= frozenUntil.getTime());
}

/** Finds the UTC days with activities, or with anything derived from them. */
function findDays(dataSource: DataSource): Promise<number[]> {
  return onPrimary(dataSource, readDays, undefined, FIRST_LOOK);
}

async function readDays(manager: EntityManager): Promise<number[]> {
  const days = new Set<number>();
  for (const [entity, column] of [
    [Activity, 'date'],
    [Visit, 'startedAt'],
    [NameRollup, 'startedAt'],
    [PathRollup, 'startedAt'],
    [DailyCount, 'startedAt'],
  ] as const) {
    const found = await manager
      .createQueryBuilder(entity, 'row')
      .select(`DISTINCT row.${column} - row.${column} % ${DAY}`, 'day')
      .getRawMany<{ day: string | number }>();
    for (const { day } of found) days.add(Number(day));
  }
  return [...days].sort((a, b) => a - b);
}

/** Returns the longest durations (ms) of the stored visits; questions look back that far. */
export function measureLongest(
  dataSource: DataSource,
): Promise<Pick<RollupState, 'maxVisitDuration' | 'maxMixedDuration'>> {
  return onPrimary(dataSource, async (manager) => {
    const longest = async (condition: string): Promise<number> => {
      const row = await manager
        .createQueryBuilder(Visit, 'visit')
        .select('MAX(visit.endedAt - visit.startedAt)', 'length')
        .where(condition)
        .getRawOne<{ length: string | number | null }>();
      return Number(row?.length ?? 0);
    };
    return {
      maxVisitDuration: await longest('NOT visit.mixed'),
      maxMixedDuration: await longest('visit.mixed'),
    };
  });
}
