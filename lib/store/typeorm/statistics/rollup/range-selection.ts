import { type EntityManager, In, Not } from 'typeorm';
import { monotonicClock } from '../../../../time/clock.js';
import { decodeVisits, isDay, newestFirst } from './dirty-ranges.js';
import { MAX_RANGES, StepLimits } from './step-limits.js';
import { DirtyRange } from './tables/dirty-range.entity.js';

/** How many are taken at most if they lie on days that are counted whole: those of one day cost little more than one of them. */
const MAX_RANGES_OF_DAYS = 20_000;
/** With so few, others that cost nothing more are taken too. */
const FEW_RANGES = 20;
/** Milliseconds after which a range that failed is tried again, if nothing else is left. */
const RETRY = 1000;

/** Chooses the dirty ranges of a step: the newest, as many as it can do in its time, and first those that have not failed. */
export class RangeSelection {
  readonly limits = new StepLimits();
  /** Whether visits of very many activities may have been left for later. */
  hasDeferred = false;
  /**
   * Ranges whose last step failed, and when, by the clock. Others go before them, so that one that cannot finish does not
   * stop the others.
   */
  private readonly failed = new Map<string, number>();

  get failedIds(): string[] {
    return [...this.failed.keys()];
  }

  /** Those that failed less than a second ago. */
  get recentFailures(): string[] {
    const now = monotonicClock.now();
    return [...this.failed].flatMap(([id, failedAt]) => (now - failedAt < RETRY ? id : []));
  }

  /** @param ids of ranges that were recomputed, also by another instance */
  forgetFailures(ids: string[]): void {
    for (const id of ids) this.failed.delete(id);
  }

  /** After a failed step: a range that fails alone is noted, and of several each is tried alone. */
  isolate(ranges: DirtyRange[]): void {
    const { limits } = this;
    if (ranges.length === 1 || (ranges.some(isDay) ? limits.days : limits.ranges) === 1)
      for (const { id } of ranges) this.failed.set(id, monotonicClock.now());
    limits.useOne();
  }

  /** The newest of these ranges that have not just failed. */
  async among(manager: EntityManager, ids: string[]): Promise<DirtyRange[]> {
    const recent = new Set(this.recentFailures);
    return this.find(manager, ids.filter((id) => !recent.has(id)).slice(0, this.limits.ranges));
  }

  /** These ranges, as far as they are still there and one step can do them. */
  async find(manager: EntityManager, ids: string[]): Promise<DirtyRange[]> {
    if (ids.length === 0) return [];
    const found = await manager.findBy(DirtyRange, { id: In(ids) });
    return this.cut(manager, found.sort(newestFirst));
  }

  /** The newest ranges, then those that failed before, and deferred ranges if nothing else is left. */
  async next(manager: EntityManager, isDue: boolean): Promise<DirtyRange[]> {
    if (isDue && this.hasDeferred) {
      // Otherwise those that never cease to come would always go before them.
      const late = await this.nextDeferred(manager);
      if (late.length > 0) return late;
    }
    const found = await this.newest(manager, false, this.limits.ranges);
    return found.length > 0 || !isDue ? this.cut(manager, found) : this.nextDeferred(manager);
  }

  /** All of the visits of the newest deferred ranges. */
  async nextDeferred(manager: EntityManager): Promise<DirtyRange[]> {
    const late = await this.newest(manager, true, MAX_RANGES);
    const visits = new Set(late.slice(0, this.limits.ranges).flatMap(visitsOf));
    this.hasDeferred = late.length > 0;
    return late.filter((range) => visitsOf(range).every((id) => visits.has(id)));
  }

  /** The newest ranges, or those that failed some time ago if there are no others. */
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

  /** Whole days cost more, and take in all that is dirty on them. */
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
   * Adds the ranges that a step recomputes anyway: of the same minutes and visits. It matters if few are taken at once,
   * because a visit has very many activities.
   */
  private async withEqual(manager: EntityManager, ranges: DirtyRange[]): Promise<DirtyRange[]> {
    if (ranges.length === 0 || ranges.length > FEW_RANGES) return ranges;
    const visits = new Set(ranges.flatMap(visitsOf));
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

function visitsOf({ visits }: DirtyRange): string[] {
  return decodeVisits(visits) ?? [];
}
