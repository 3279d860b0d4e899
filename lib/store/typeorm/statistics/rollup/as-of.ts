import { Brackets, type EntityManager, In, type SelectQueryBuilder, type DataSource } from 'typeorm';
import { DirtyRange } from './tables/dirty-range.entity.js';
import { decodeVisits } from './dirty-ranges.js';
import { dialectOf } from '../../../../database/dialects/dialect.js';
import { chunks } from '../../../../database/chunks.js';
import type { TimeRange } from '../../../../statistics/time/time-range.js';
import { DAY } from '../../../../time/units.js';
import type { RollupState } from './tables/rollup-state.entity.js';
import { Visit } from './tables/visit.entity.js';
import { queryPrimary } from '../../../../database/primary.js';

/** Ranges with visits of unknown start that are checked individually. If there are more, all count as touching. */
const MAX_UNBOUNDED = 5000;

/** Milliseconds for which large visits are deferred at most. */
export const MAX_LARGE_REST = 60_000;

/** A dirty range that has to be recomputed for an exact answer. */
export interface Touching {
  id: string;
  createdAt: number;
  /** True if only large visits are left in the range; no query waits for these. */
  isDeferred: boolean;
}

/**
 * Returns `asOf`: everything that was committed before it is in the answer. In milliseconds since 1970, by the database's clock.
 *
 * A dirty range is created before its transaction commits, and stays until it is recomputed. So everything that was committed
 * before the oldest visible dirty range has been recomputed; without a dirty range, `asOf` is the start of the snapshot. A
 * transaction may take any time to commit, because its range is always older than its commit.
 *
 * @param manager of a snapshot in which nothing was read yet
 * @param ranges that the answer depends on
 * @param hasUntil only on a standby: it has everything that the primary committed before this time, by the primary's clock
 */
export async function readAsOf(
  manager: EntityManager,
  ranges: TimeRange[],
  hasUntil?: number,
): Promise<number> {
  const now = hasUntil ?? (await startOfReading(manager));
  const near = await nearBy(manager, ranges)
    .select('MIN(dirty.createdAt)', 'oldest')
    .getRawOne<{ oldest: string | number | null }>();
  const oldest = near?.oldest == null ? now : Math.min(now, Number(near.oldest));
  const far = await findUnbounded(manager, ranges);
  return far.reduce((least, { createdAt }) => Math.min(least, createdAt), oldest);
}

async function startOfReading(manager: EntityManager): Promise<number> {
  const [row]: { now: string | number }[] = await manager.query(
    `SELECT ${dialectOf(manager.connection).startOfReading} AS now`,
  );
  return Number(row?.now);
}

/**
 * Finds the dirty ranges that an answer about the ranges depends on, the latest first.
 * @param limit if there are more, deferred ones are omitted first
 */
export async function findTouching(
  manager: EntityManager,
  ranges: TimeRange[],
  limit: number,
): Promise<Touching[]> {
  const near = await nearBy(manager, ranges)
    .select('dirty.id', 'id')
    .addSelect('dirty.createdAt', 'createdAt')
    .addSelect('dirty.deferred', 'deferred')
    .orderBy('dirty.deferred', 'ASC')
    .addOrderBy('dirty.since', 'DESC')
    .limit(limit)
    .getRawMany<{ id: string; createdAt: string | number; deferred: boolean | number }>();
  return [
    ...near.map(({ id, createdAt, deferred }) => ({
      id,
      createdAt: Number(createdAt),
      isDeferred: Boolean(deferred),
    })),
    ...(await findUnbounded(manager, ranges)),
  ];
}

/** True if large visits may be recomputed, also if the clock was ahead when that was last done. */
export function isLargeDue({ largeFrom }: Pick<RollupState, 'largeFrom'>, now: number): boolean {
  return largeFrom.getTime() <= now || largeFrom.getTime() > now + 2 * MAX_LARGE_REST;
}

/** The SQL of dirty ranges near the ranges (alias `dirty`): visits last at most a day. */
function nearBy(manager: EntityManager, ranges: TimeRange[]): SelectQueryBuilder<DirtyRange> {
  return manager.createQueryBuilder(DirtyRange, 'dirty').where(`(${nearSql(ranges)})`);
}

function nearSql(ranges: TimeRange[]): string {
  const conditions = ranges.map(
    ({ since, until }) =>
      `dirty.since < ${Math.min(until + DAY, Number.MAX_SAFE_INTEGER)} AND dirty.until > ${since - DAY}`,
  );
  return conditions.join(' OR ');
}

/**
 * Finds dirty ranges more than a day away whose visits touch the ranges. `MAX_LENGTH` in visit-boundaries.ts says how visits can be
 * that long.
 */
async function findUnbounded(manager: EntityManager, ranges: TimeRange[]): Promise<Touching[]> {
  const rows = await manager
    .createQueryBuilder(DirtyRange, 'dirty')
    .where('dirty.unbounded')
    .andWhere(`NOT (${nearSql(ranges)})`)
    .orderBy('dirty.createdAt')
    .limit(MAX_UNBOUNDED)
    .getMany();
  const visits = new Set(rows.flatMap((row) => decodeVisits(row.visits) ?? []));
  const touched = new Set<string>();
  for (const ids of chunks([...visits])) {
    const found = await manager
      .createQueryBuilder(Visit, 'visit')
      .select('visit.id', 'id')
      .where({ id: In(ids) })
      .andWhere(
        new Brackets((either) => {
          for (const { since, until } of ranges)
            either.orWhere(`visit.startedAt < ${until} AND visit.endedAt >= ${since}`);
        }),
      )
      .getRawMany<{ id: string }>();
    for (const { id } of found) touched.add(id);
  }
  return rows.flatMap(({ id, createdAt, deferred, visits: text }, i) =>
    i + 1 === MAX_UNBOUNDED || decodeVisits(text)?.some((visit) => touched.has(visit))
      ? [{ id, createdAt: createdAt.getTime(), isDeferred: deferred }]
      : [],
  );
}

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
