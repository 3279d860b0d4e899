import type { Page } from '../activity/pagination.js';
import type { Amount } from './amount.js';
import type { ParsedStatisticsFilter } from './statistics-filter.js';
import type { Range } from './time/calendar.js';
import type { TimeRange } from './time/time-range.js';
import type {
  AsOf,
  Dimension,
  Journeys,
  Live,
  Measure,
  Retention,
  TopMeasure,
  TopRow,
  VisitRecord,
} from './statistics.types.js';
import type { VisitCursor } from './visit-cursor.js';

/** The statistics part of the interface to a storage engine. */
export interface StatisticsStore {
  /**
   * Waits until the data that the question depends on are up to date, at most for `statistics.maxWait`, then answers. The answer is exact
   * for everything committed before its `asOf`. A store without transactions reads only what was stored before `asOf`; activities that were
   * erased since then may be missing.
   * @throws UnavailableError if the engine does not answer, or not in time
   */
  read<T extends object>(
    question: StatisticsQuestion,
    answer: (snapshot: StatisticsSnapshot) => Promise<T>,
  ): Promise<T & AsOf>;
}

export interface StatisticsQuestion {
  filter: ParsedStatisticsFilter;
  /** The ranges that change the answer if anything is changed there. */
  dependsOn: TimeRange[];
  /** The arguments of a later {@link StatisticsSnapshot.top}, so that a store can cache counts of past days before. */
  top?: { query: TopQuery; range: TimeRange };
}

/**
 * One method per question. Each reads the activities and visits that match the filter and were stored before `asOf`. Two calls for one
 * answer see the same of these; later commits and erasures may be visible to only one of them.
 */
export interface StatisticsSnapshot {
  /**
   * For `overview` and `series`: each measure for each interval, in the order of `starts`.
   * @param starts of the intervals, in milliseconds since 1970; the first may be before the range
   */
  measures<M extends Measure>(
    measures: readonly M[],
    range: TimeRange,
    starts: number[],
  ): Promise<Record<M, MeasureValues>>;
  top(query: TopQuery, range: TimeRange): Promise<TopRow[]>;
  /** An aggregate of the numbers of activities in each interval, as {@link measures}. */
  amounts(amount: Amount, range: TimeRange, starts: number[]): Promise<AmountValue[]>;
  /**
   * Returns the values of a dimension with the largest aggregates. For a dimension of visits, activities without a visit do not
   * count, except for `user`.
   */
  topAmounts(amount: Amount, query: TopQuery, range: TimeRange): Promise<TopRow[]>;
  /** @param range its end is ignored, because a client's clock may be ahead */
  live(range: Range): Promise<Omit<Live, 'asOf'>>;
  /**
   * Returns how many visitors reached each step.
   * @param within milliseconds that a visitor has for all steps
   */
  funnel(steps: ParsedStatisticsFilter[], range: TimeRange, within: number): Promise<number[]>;
  retention(range: Range, query: Pick<Retention, 'period' | 'by'>): Promise<Omit<Retention, 'asOf'>>;
  journeys(range: TimeRange, query: JourneyQuery): Promise<Omit<Journeys, 'asOf'>>;
  visits(range: Range, query: VisitsQuery): Promise<Page<VisitRecord>>;
}

/** One value for each interval; `null` if there is nothing to measure. */
export type MeasureValues = (number | null)[];

/** An aggregate, and how many numbers it was computed from. Without numbers, a sum is 0 and other aggregates are `null`. */
export interface AmountValue {
  value: number | null;
  count: number;
}

export interface TopQuery {
  dimension: Dimension;
  /** Default: of the dimension. */
  measure: TopMeasure | undefined;
  /** Mandatory for the dimension `property`. */
  property: string | undefined;
  search: string | undefined;
  limit: number;
}

/** The most frequent paths after a path, before a path, or from the start of each visit. */
export interface JourneyQuery {
  /** Whether the steps are pages of views, or routes of activities. */
  by: 'path' | 'route';
  start: string | undefined;
  end: string | undefined;
  depth: number;
  /** Paths in each step. */
  limit: number;
}

export interface VisitsQuery {
  limit: number;
  order: 'asc' | 'desc';
  after: VisitCursor | undefined;
}
