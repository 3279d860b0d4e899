import { Between, type DataSource, type EntityManager, In, LessThan } from 'typeorm';
import { cancellation } from '../../../cancellation.js';
import { onPrimary } from '../../../../database/primary.js';
import { connectionsOf } from '../../../../database/connections.js';
import { dialectOf, type Statement } from '../../../../database/dialects/dialect.js';
import { monotonicClock } from '../../../../time/clock.js';
import { floor, type TimeRange } from '../../../../statistics/time/time-range.js';
import { DAY } from '../../../../time/units.js';
import { DailyCount } from './tables/rollups.entity.js';
import { propertyValuesOn } from './daily-counts/property-values.js';
import { RollupState } from './tables/rollup-state.entity.js';
import { isVisitColumn, type VisitDimension, visitValuesOn } from './daily-counts/visit-values.js';
import { VISITED_NAMES } from './daily-counts/visited-names.js';
import { VISITED_PATHS } from './daily-counts/visited-paths.js';
import { visitedValuesOn } from './daily-counts/visited-values.js';
import { MAX_ACTIVITIES_OF_RANGE, visitorsOn } from '../queries/visitor-values.js';
import { countByDay } from './bucket-counts.js';

const VISITS = 'visits by ';

/** Visits per value of a dimension. */
export function visitsMetric(dimension: VisitDimension): string {
  return VISITS + dimension;
}

const VISITORS = /^(sessions|users) by (.+)$/;

/** The values of each session or user, such as its paths. */
export function visitorsMetric(measure: 'sessions' | 'users', dimension: string): string {
  return `${measure} by ${dimension}`;
}

const PROPERTY = 'property ';
/** The maximum length that fits into a text column of every database. */
const MAX_BYTES = 60_000;

/** Patterns of LIKE: these counts need activities, or may contain personal data. */
const NOT_OF_FROZEN_DAYS = [
  visitsMetric('user'),
  visitorsMetric('sessions', '%'),
  visitorsMetric('users', '%'),
  `${PROPERTY}%`,
];

/** Activities per name and value of a property. */
export function propertyMetric(property: string): string {
  return PROPERTY + property;
}

/** Caches counts of past days for questions that would otherwise count the whole range each time. */
export class DailyCountCache {
  constructor(private readonly dataSource: DataSource) {}

  /**
   * Caches the past days of a range that are not cached yet, as long as the question may wait. A day is skipped if a rollup
   * commits in the meantime.
   * @param times by the monotonic clock: when the last day may begin, and when the question must be answered
   * @returns whether there were such days
   */
  async cacheDays(
    metric: string,
    range: TimeRange,
    { until, deadline }: { until: number; deadline: number },
  ): Promise<boolean> {
    const days = await this.read((manager) => missingDays(manager, metric, range), Math.min(until, deadline));
    for (const day of days) {
      if (monotonicClock.now() >= until || cancellation()?.aborted) break;
      await this.cacheDay(metric, day, deadline);
    }
    return days.length > 0;
  }

  /** The statement that deletes the cached counts of days. */
  invalidate(days: Iterable<number>): Statement {
    return this.dataSource
      .createQueryBuilder()
      .delete()
      .from(DailyCount)
      .where({ startedAt: In([...days].map((day) => new Date(day))) })
      .getQueryAndParameters();
  }

  /** The statement that deletes counts before an instant, if they may contain personal data or need activities. */
  invalidateBefore(instant: number): Statement {
    return this.dataSource
      .createQueryBuilder()
      .delete()
      .from(DailyCount)
      .where({ startedAt: LessThan(new Date(instant)) })
      .andWhere(
        `(${NOT_OF_FROZEN_DAYS.map((_, i) => `metric LIKE :pattern${i}`).join(' OR ')})`,
        Object.fromEntries(NOT_OF_FROZEN_DAYS.map((pattern, i) => [`pattern${i}`, pattern])),
      )
      .getQueryAndParameters();
  }

  /** Number of cached counts of a day that differ from the activities. */
  async countMismatches(day: number, manager: EntityManager): Promise<number> {
    let wrong = 0;
    for (const { metric, counts } of await manager.findBy(DailyCount, {
      startedAt: new Date(day),
    }))
      if (counts !== (await count(metric, day, manager))) wrong += 1;
    return wrong;
  }

  /** Skipped for a frozen day, and if a rollup commits in the meantime, because the counts may be outdated; the next query retries. */
  private async cacheDay(metric: string, day: number, deadline: number): Promise<void> {
    const found = await this.read(async (manager) => {
      const state = await manager.findOneByOrFail(RollupState, { id: 1 });
      if (day < state.frozenUntil.getTime() && !isKeptOfFrozenDays(metric)) return undefined;
      return {
        ...state,
        row: { startedAt: new Date(day), metric, counts: await count(metric, day, manager) },
      };
    }, deadline);
    if (!found) return;
    const { id, version, row } = found;
    // A no-op update that locks the row, so it is serialized with rollups. A concurrent call for the same day writes the same value.
    const guard = this.dataSource
      .createQueryBuilder()
      .update(RollupState)
      .set({ version })
      .where({ id, version });
    const insertion = this.dataSource
      .createQueryBuilder()
      .insert()
      .into(DailyCount)
      .values(row)
      .orIgnore()
      .updateEntity(false);
    await connectionsOf(this.dataSource).ask(
      (signal) =>
        dialectOf(this.dataSource).transact(
          this.dataSource,
          guard.getQueryAndParameters(),
          [insertion.getQueryAndParameters()],
          signal,
        ),
      { deadline, symptom: null },
    );
  }

  /** It may fail: then the question is answered without the cache. */
  private read<T>(read: (manager: EntityManager) => Promise<T>, deadline: number): Promise<T> {
    const { dataSource } = this;
    return connectionsOf(dataSource).ask((signal) => onPrimary(dataSource, read, signal), {
      deadline,
      symptom: null,
    });
  }
}

function isKeptOfFrozenDays(metric: string): boolean {
  return !NOT_OF_FROZEN_DAYS.some((pattern) => metric.startsWith(pattern.replace('%', '')));
}

/** Finds the past days of the range with activities and without cached counts. */
async function missingDays(manager: EntityManager, metric: string, range: TimeRange): Promise<number[]> {
  const until = floor(Math.min(range.until, Date.now()), DAY);
  const { total, byDay } = await countByDay(manager, { since: range.since, until });
  // The question would not use the sets.
  if (VISITORS.test(metric) && total > MAX_ACTIVITIES_OF_RANGE) return [];
  const kept = await manager.find(DailyCount, {
    select: { startedAt: true },
    where: { metric, startedAt: Between(new Date(range.since), new Date(until)) },
  });
  const known = new Set(kept.map(({ startedAt }) => startedAt.getTime()));
  return [...byDay.keys()].filter((day) => day >= range.since && !known.has(day)).sort((a, b) => a - b);
}

async function count(metric: string, day: number, manager: EntityManager): Promise<string | null> {
  const max = VISITORS.test(metric) ? dialectOf(manager.connection).maxText : MAX_BYTES;
  const counts = await countAll(metric, day, manager, max);
  return counts === null || Buffer.byteLength(counts) > max ? null : counts;
}

async function countAll(
  metric: string,
  day: number,
  manager: EntityManager,
  max: number,
): Promise<string | null> {
  if (metric === VISITED_PATHS.metric) return visitedValuesOn(VISITED_PATHS, day, manager);
  if (metric === VISITED_NAMES.metric) return visitedValuesOn(VISITED_NAMES, day, manager);
  if (metric.startsWith(PROPERTY)) return propertyValuesOn(day, metric.slice(PROPERTY.length), manager);
  const [, measure, values] = VISITORS.exec(metric) ?? [];
  if (measure && values) return visitorsOn(day, { dimension: values, measure }, manager, max);
  const dimension = metric.slice(VISITS.length);
  return isVisitColumn(dimension) ? visitValuesOn(day, dimension, manager) : null;
}
