import { type EntityManager, In, Not } from 'typeorm';
import { monotonicClock } from '../../../../time/clock.js';
import { decodeVisits, isDay, newestFirst } from './dirty-ranges.js';
import { MAX_RANGES, StepLimits } from './step-limits.js';
import { DirtyRange } from './tables/dirty-range.entity.js';

/** Dirty ranges of one step in days with daily buckets: all ranges of a day take little more time than one. */
const MAX_RANGES_OF_DAYS = 20_000;
/** A step with at most so many ranges also takes other ranges that it recomputes anyway. */
const FEW_RANGES = 20;
/** Milliseconds after which a failed range is tried again, if nothing else is left. */
const RETRY = 1000;

/** Selects the dirty ranges of a step: the newest first, failed ones last, as many as fit into the time of a step. */
export class RangeSelection {
  readonly limits = new StepLimits();
  /** Whether large visits may have been deferred. */
  hasDeferred = false;
  /**
   * When the last step of a range failed, by the clock. Other ranges come first, so that a range that always fails does not
   * stop them.
   */
  private readonly failed = new Map<string, number>();

  get failedIds(): string[] {
    return [...this.failed.keys()];
  }

  /** Ranges that failed less than a second ago. */
  get recentFailures(): string[] {
    const now = monotonicClock.now();
    return [...this.failed].flatMap(([id, failedAt]) => (now - failedAt < RETRY ? id : []));
  }

  /** @param ids of ranges that were recomputed, also by another instance */
  forgetFailures(ids: string[]): void {
    for (const id of ids) this.failed.delete(id);
  }

  /** Must be called after a failed step. Marks a single range as failed; after several, the next steps take one range each. */
  isolate(ranges: DirtyRange[]): void {
    const { limits } = this;
    if (ranges.length === 1 || (ranges.some(isDay) ? limits.days : limits.ranges) === 1)
      for (const { id } of ranges) this.failed.set(id, monotonicClock.now());
    limits.useOne();
  }

  /** Selects the newest of these ranges that have not just failed. */
  async among(manager: EntityManager, ids: string[]): Promise<DirtyRange[]> {
    const recent = new Set(this.recentFailures);
    return this.find(manager, ids.filter((id) => !recent.has(id)).slice(0, this.limits.ranges));
  }

  /** Selects those of the ranges that are still dirty, as many as one step can do. */
  async find(manager: EntityManager, ids: string[]): Promise<DirtyRange[]> {
    if (ids.length === 0) return [];
    const found = await manager.findBy(DirtyRange, { id: In(ids) });
    return this.cut(manager, found.sort(newestFirst));
  }

  /** Selects the newest ranges, then those that failed before, and deferred ranges if nothing else is left. */
  async next(manager: EntityManager, isDue: boolean): Promise<DirtyRange[]> {
    if (isDue && this.hasDeferred) {
      // Otherwise new ranges would always come before deferred ones.
      const late = await this.nextDeferred(manager);
      if (late.length > 0) return late;
    }
    const found = await this.newest(manager, false, this.limits.ranges);
    return found.length > 0 || !isDue ? this.cut(manager, found) : this.nextDeferred(manager);
  }

  /** Selects all ranges with the visits of the newest deferred ranges. */
  async nextDeferred(manager: EntityManager): Promise<DirtyRange[]> {
    const late = await this.newest(manager, true, MAX_RANGES);
    const visits = new Set(late.slice(0, this.limits.ranges).flatMap(readVisits));
    this.hasDeferred = late.length > 0;
    return late.filter((range) => readVisits(range).every((id) => visits.has(id)));
  }

  /** Selects the newest ranges, or if there are none, those that failed some time ago. */
  private async newest(manager: EntityManager, deferred: boolean, take: number): Promise<DirtyRange[]> {
    const find = (without: string[]): Promise<DirtyRange[]> =>
      manager.find(DirtyRange, {
        where: { deferred, ...(without.length > 0 && { id: Not(In(without)) }) },
        order: { since: 'DESC', until: 'DESC' },
        take,
      });
    const found = await find(this.failedIds);
    return found.length > 0 || this.failed.size === 0 ? found : find(this.recentFailures);
  }

  /** Days with daily buckets cost more, so all dirty ranges of a day are taken together. */
  private async cut(manager: EntityManager, ranges: DirtyRange[]): Promise<DirtyRange[]> {
    const first = ranges.find(isDay);
    if (!first) return this.withEqual(manager, ranges);
    if (ranges[0] && !isDay(ranges[0])) return ranges.slice(0, ranges.findIndex(isDay));
    const days = ranges.filter(isDay).slice(0, this.limits.days);
    const found = await manager
      .createQueryBuilder(DirtyRange, 'dirty')
      .where('dirty.since >= :since AND dirty.since < :until', {
        since: +(days.at(-1) ?? first).since,
        until: +first.until,
      })
      .orderBy('dirty.since', 'DESC')
      .take(MAX_RANGES_OF_DAYS)
      .getMany();
    const chosen = new Set(ranges.map(({ id }) => id));
    return found.filter(({ id }) => chosen.has(id) || !this.failed.has(id));
  }

  /**
   * Adds the ranges that a step recomputes anyway: of the same minutes and visits. This matters if a step takes few ranges
   * because of a large visit.
   */
  private async withEqual(manager: EntityManager, ranges: DirtyRange[]): Promise<DirtyRange[]> {
    if (ranges.length === 0 || ranges.length > FEW_RANGES) return ranges;
    const visits = new Set(ranges.flatMap(readVisits));
    const others = await manager.find(DirtyRange, {
      where: { since: In(ranges.map(({ since }) => since)) },
      take: MAX_RANGES,
    });
    const taken = new Set(ranges.map(({ id }) => id));
    const isEqual = ({ id, visits: named, erased }: DirtyRange): boolean =>
      !taken.has(id) && !erased && (decodeVisits(named)?.every((visit) => visits.has(visit)) ?? false);
    return [...ranges, ...others.filter(isEqual)];
  }
}

function readVisits({ visits }: DirtyRange): string[] {
  return decodeVisits(visits) ?? [];
}
