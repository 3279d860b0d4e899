import type { EntityManager } from 'typeorm';
import type { Insert, Statement } from '../../../../database/dialects/dialect.js';
import { Table } from '../../../../database/table.js';
import { DirtyRange } from './tables/dirty-range.entity.js';
import { decodeVisits, deferredRanges } from './dirty-ranges.js';
import { floor, QUARTER, type TimeRange } from '../../../../statistics/time/time-range.js';
import { monotonicClock } from '../../../../time/clock.js';
import { DAY, MINUTE } from '../../../../time/units.js';
import { BucketCounts, listDays } from './bucket-counts.js';
import { deleteUnusedPaths, PathDictionary } from './path-dictionary.js';
import { mergeRanges, listBuckets } from './time-ranges.js';
import { VisitBuilder } from './visit-builder.js';

/** The changes of a step, which are written in one transaction. */
export interface StepResult {
  statements: (Statement | Insert)[];
  /** Milliseconds. */
  maxVisitDuration: number;
  maxMixedDuration: number;
  /** Days of which cached counts are outdated. */
  days: Set<number>;
  /** Whether a visit of very many activities was recomputed. */
  hasLarge: boolean;
  /** How many of the selected dirty ranges remain, because such a visit was deferred. */
  deferred: number;
  /** Milliseconds to count a bucket that all ranges share: a step with a single range would take them too. */
  sharedTime: number;
}

/** Recomputes what dirty ranges touch: their visits, and the buckets of names and paths that they lie in. */
export class RollupStep {
  private readonly visits: VisitBuilder;
  private readonly buckets: BucketCounts;
  private readonly paths: PathDictionary;

  /** @param frozenUntil earlier visits and buckets are not recomputed, because their activities were erased */
  constructor(
    private readonly manager: EntityManager,
    private readonly frozenUntil = 0,
  ) {
    this.visits = new VisitBuilder(manager, frozenUntil);
    this.buckets = new BucketCounts(manager);
    this.paths = new PathDictionary(manager);
  }

  /**
   * @param compactedUntil days before it have daily buckets
   * @param mayDefer whether large visits may be deferred
   */
  async recompute(dirty: DirtyRange[], compactedUntil: number, mayDefer: boolean): Promise<StepResult> {
    const ranges = dirty.filter(({ since }) => since.getTime() >= this.frozenUntil);
    const deferred = mayDefer ? await this.findDeferred(ranges) : [];
    const large = new Set(deferred.flatMap(({ visits }) => decodeVisits(visits) ?? []));
    const ids = await this.visits.withoutFrozen(
      (await this.findVisits(ranges)).filter((id) => !large.has(id)),
    );
    const { statements: visits, ...rest } = await this.visits.rebuildVisits(ids, this.paths);
    const quarters = listBuckets(toTimeRanges(ranges), QUARTER);
    const recent = ranges.filter(({ since }) => since.getTime() >= compactedUntil);
    const past = ranges.filter(({ since }) => since.getTime() < compactedUntil);
    const recentQuarters = listBuckets(toTimeRanges(recent), QUARTER);
    // The pages of erased activities are unknown, so all pages of these days are counted.
    const whole = listDays(
      toTimeRanges(past.filter(({ erased, visits: named }) => erased || named === null)),
    );
    const wholeStarts = new Set(whole.map(({ since }) => since));
    const partly = toTimeRanges(past).filter(({ since }) => !wholeStarts.has(floor(since, DAY)));
    const begun = monotonicClock.now();
    const counts = [
      ...(await this.buckets.nameChanges(quarters)),
      ...(await this.buckets.pathChanges(recentQuarters, QUARTER, this.paths)),
      ...(await this.buckets.pathChanges(whole, DAY, this.paths)),
      ...(await this.buckets.pathChanges(
        listDays(partly),
        DAY,
        this.paths,
        await this.buckets.pagesIn(listBuckets(partly, MINUTE)),
      )),
    ];
    const counted = quarters.reduce((sum, { since, until }) => sum + until - since, 0);
    const sharedTime = counted > QUARTER ? 0 : monotonicClock.now() - begun;
    const statements = [...this.paths.inserts(), ...visits, ...counts];
    if (deferred.length > 0) statements.push(new Table(this.manager.connection, DirtyRange).insert(deferred));
    if (ranges.some(({ erased }) => erased))
      statements.push(
        ...(await deleteUnusedPaths(
          this.manager,
          await this.visits.storedPaths(ids, [...recentQuarters, ...listDays(toTimeRanges(past))]),
        )),
      );
    for (const { since } of ranges) rest.days.add(floor(since.getTime(), DAY));
    return { statements, ...rest, deferred: deferred.length, sharedTime };
  }

  /** Recomputes the path counts of a time range, in buckets of another size. */
  async resize(range: TimeRange, bucketSize: number): Promise<(Statement | Insert)[]> {
    const changes = await this.buckets.pathChanges([range], bucketSize, this.paths);
    return [...this.paths.inserts(), ...changes];
  }

  private async findDeferred(ranges: DirtyRange[]): Promise<DirtyRange[]> {
    const others = ranges.filter((range) => !isUrgent(range));
    if (others.length === 0) return [];
    const urgent = new Set(await this.findVisits(ranges.filter(isUrgent)));
    const named = await this.findVisits(others);
    const large = await this.visits.findLarge(named.filter((id) => !urgent.has(id)));
    return deferredRanges(others, large);
  }

  private async findVisits(ranges: DirtyRange[]): Promise<string[]> {
    const named = ranges.flatMap(({ visits }) => decodeVisits(visits) ?? []);
    const unnamed = ranges.filter(({ visits }) => visits === null);
    return this.visits.visitsIn(mergeRanges(toTimeRanges(unnamed)), named);
  }
}

/** Ranges with erased activities are not deferred. */
function isUrgent({ visits, erased }: DirtyRange): boolean {
  return visits === null || erased;
}

function toTimeRanges(ranges: DirtyRange[]): TimeRange[] {
  return ranges.map(({ since, until }) => ({ since: since.getTime(), until: until.getTime() }));
}
