import { InvalidFilterError } from '../../../activity/activity.filter.js';
import { isActivityDimension } from '../../../statistics/statistics.types.js';
import type { TopQuery } from '../../../statistics/statistics.store.js';
import { QUARTER, type TimeRange } from '../../../statistics/time/time-range.js';
import { DAY } from '../../../time/units.js';
import { type FilterKind, isVisitDimension, chooseTopMeasure } from './query-plan.js';

/**
 * Before this time, activities were erased and only their counts are kept. A question about it is answered exactly from these
 * counts, or refused. So no result lacks the erased activities.
 */
export class FrozenTime {
  /** Whether an answered question included this time. */
  isAsked = false;

  /** @param until milliseconds since 1970; 0 if nothing is frozen */
  constructor(readonly until: number) {}

  /** @throws InvalidFilterError */
  checkMeasures(kind: FilterKind, range: TimeRange, starts: number[]): void {
    this.check(
      range,
      kind === 'none' && this.isAligned([range.since, range.until, ...starts.slice(1)], QUARTER),
    );
  }

  /** @throws InvalidFilterError */
  checkTop(kind: FilterKind, query: TopQuery, range: TimeRange): void {
    this.check(range, kind === 'none' && this.keepsTop(query, range));
  }

  /**
   * For questions that need the activities themselves.
   * @throws InvalidFilterError
   */
  checkActivities(range: TimeRange): void {
    this.check(range, false);
  }

  private keepsTop(query: TopQuery, { since, until }: TimeRange): boolean {
    const { dimension } = query;
    const measure = chooseTopMeasure(query, undefined);
    if (measure === 'users' || measure === 'sessions') return false;
    if (isActivityDimension(dimension) ? !['path', 'name'].includes(dimension) : dimension === 'user')
      return false;
    if (isVisitDimension(dimension)) return true;
    return measure !== 'visits' && this.isAligned([since, until], dimension === 'path' ? DAY : QUARTER);
  }

  private isAligned(edges: number[], bucketSize: number): boolean {
    return edges.every((edge) => edge >= this.until || edge % bucketSize === 0);
  }

  private check({ since }: TimeRange, isKept: boolean): void {
    if (since >= this.until) return;
    this.isAsked = true;
    if (isKept) return;
    const day = new Date(this.until).toISOString();
    throw new InvalidFilterError(
      'from',
      `must not be before ${day} in this question: older activities were erased (the option "retention"), and only ` +
        'counts of whole days without a filter are kept',
    );
  }
}
