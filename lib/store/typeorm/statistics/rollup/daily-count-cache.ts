import { Between, type DataSource, type EntityManager, In } from 'typeorm';
import { cancellation } from '../../../../database/cancellation.js';
import { askOnPrimary } from '../../../../database/primary.js';
import { connectionsOf } from '../../../../database/connections.js';
import { dialectOf, type Statement } from '../../../../database/dialects/dialect.js';
import { monotonicClock } from '../../../../time/clock.js';
import { DAY, floor, type Stretch } from '../../../../statistics/time/time-range.js';
import { DayCount } from './tables/daily-count.entity.js';
import { propertyValuesOn } from './daily-counts/property-values.js';
import { RollupState, Total } from './tables/rollups.entity.js';
import { isOfVisits, type VisitDimension, visitValuesOn } from './daily-counts/visit-values.js';
import { visitedPathsOn } from './daily-counts/visited-paths.js';

/** How many visits that began on the day, none of them mixed, were at which path. */
export const VISITED_PATHS = 'visited paths';

const VISITS = 'visits by ';

/** How many visits that began on the day had which value. */
export function visitsBy(dimension: VisitDimension): string {
  return VISITS + dimension;
}

const PROPERTY = 'property ';
/** Characters; of a longer key nothing is kept. */
const MAX_KEY = 64;
/** As much as fits into a text of each database. */
const MAX_BYTES = 60_000;

/** How often a property had which value on the day. */
export function valuesOf(property: string): string | undefined {
  return property.length <= MAX_KEY ? PROPERTY + property : undefined;
}

/** Keeps counts of days, for questions that would have to count all of a range each time. */
export class DayCounts {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Sees to it that the days of a range that are over are kept, as far as nobody else changes the statistics meanwhile, and
   * until nobody waits for it.
   */
  async keep(what: string, range: Stretch, deadline: number): Promise<void> {
    const days = await askOnPrimary(this.dataSource, (manager) => missingDays(manager, what, range));
    for (const day of days) {
      if (monotonicClock.now() >= deadline || cancellation()?.aborted) return;
      await this.keepDay(what, day);
    }
  }

  /** What forgets days. */
  forget(days: Iterable<number>): Statement {
    return this.dataSource
      .createQueryBuilder()
      .delete()
      .from(DayCount)
      .where({ startedAt: In([...days].map((day) => new Date(day))) })
      .getQueryAndParameters();
  }

  /** How many of what is kept of a day is not what there is. */
  async wrongOn(day: number, manager: EntityManager): Promise<number> {
    let wrong = 0;
    for (const { what, counts } of await manager.findBy(DayCount, {
      startedAt: new Date(day),
    }))
      if (counts !== (await count(what, day, manager))) wrong += 1;
    return wrong;
  }

  /** Not where the statistics are changed meanwhile, as the day may be among what was: the next who asks tries again. */
  private async keepDay(what: string, day: number): Promise<void> {
    const { id, version, row } = await askOnPrimary(this.dataSource, async (manager) => ({
      ...(await manager.findOneByOrFail(RollupState, { id: 1 })),
      row: { startedAt: new Date(day), what, counts: await count(what, day, manager) },
    }));
    // It changes nothing, but waits for who does, and has them wait. Who keeps the same day meanwhile, keeps the same.
    const guard = this.dataSource
      .createQueryBuilder()
      .update(RollupState)
      .set({ version })
      .where({ id, version });
    const insertion = this.dataSource
      .createQueryBuilder()
      .insert()
      .into(DayCount)
      .values(row)
      .orIgnore()
      .updateEntity(false);
    await connectionsOf(this.dataSource).ask((signal) =>
      dialectOf(this.dataSource).transact(
        this.dataSource,
        guard.getQueryAndParameters(),
        [insertion.getQueryAndParameters()],
        signal,
      ),
    );
  }
}

/** The past days of the range that have activities and no cached counts. */
async function missingDays(manager: EntityManager, what: string, range: Stretch): Promise<number[]> {
  const until = floor(Math.min(range.until, Date.now()), DAY);
  const withActivities = await manager
    .createQueryBuilder(Total, 'total')
    .select(`DISTINCT total.startedAt - total.startedAt % ${DAY}`, 'day')
    .where('total.startedAt >= :since AND total.startedAt < :until', { since: range.since, until })
    .getRawMany<{ day: string | number }>();
  const kept = await manager.find(DayCount, {
    select: { startedAt: true },
    where: { what, startedAt: Between(new Date(range.since), new Date(until)) },
  });
  const known = new Set(kept.map(({ startedAt }) => startedAt.getTime()));
  return withActivities
    .map(({ day }) => Number(day))
    .filter((day) => day >= range.since && !known.has(day))
    .sort((a, b) => a - b);
}

async function count(what: string, day: number, manager: EntityManager): Promise<string | null> {
  const counts = await countAll(what, day, manager);
  return counts === null || Buffer.byteLength(counts) > MAX_BYTES ? null : counts;
}

async function countAll(what: string, day: number, manager: EntityManager): Promise<string | null> {
  if (what === VISITED_PATHS) return visitedPathsOn(day, manager);
  if (what.startsWith(PROPERTY)) return propertyValuesOn(day, what.slice(PROPERTY.length), manager);
  const dimension = what.slice(VISITS.length);
  return isOfVisits(dimension) ? visitValuesOn(day, dimension, manager) : null;
}
