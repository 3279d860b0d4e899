import { Inject, Injectable, Optional } from '@nestjs/common';
import { type ActivityScope, parseScope, scopeKey } from '../activity/activity-scope.js';
import { InvalidFilterError, type ParsedScope } from '../activity/activity.filter.js';
import { Telemetry } from '../diagnostics/telemetry.js';
import { STORE } from '../options/settings.js';
import type { Store } from '../store/store.js';
import { LIVE_MINUTES, VISITS_LIMIT } from './parameter-bounds.js';
import { type AmountMeasure, ENGAGEMENT_MEASURES, parseAmount, formatPercentile } from './amount.js';
import { readOverview } from './overview.js';
import { checkOneOf, checkWholeNumber, parseJourneys, parseTop, unknownMeasure } from './question-options.js';
import { buildKey, SharedQuestions } from './shared-questions.js';
import { parseFunnelSteps, parseStatisticsFilter } from './statistics-filter.js';
import type { StatisticsSnapshot, TopQuery } from './statistics.store.js';
import {
  type AmountResult,
  type AsOf,
  type Dimension,
  type Funnel,
  type FunnelOptions,
  type FunnelStep,
  type Interval,
  INTERVALS,
  type Journeys,
  type JourneysOptions,
  type Live,
  type LiveOptions,
  type Measure,
  MEASURES,
  type Overview,
  type OverviewOptions,
  PERIODS,
  type Retention,
  RETENTION_BY,
  type RetentionOptions,
  type Series,
  type TopOptions,
  type Top,
  type Visits,
  type VisitsOptions,
} from './statistics.types.js';
import type { Question } from './question.types.js';
import { comparedRange, listIntervals, isoIn, type Range, parseRange, formatSpan } from './time/calendar.js';
import { type TimeRange } from './time/time-range.js';
import { MINUTE } from '../time/units.js';
import { decodeVisitCursor } from './visit-cursor.js';

/** After all activities, in milliseconds. */
const FOREVER = Number.MAX_SAFE_INTEGER;

/**
 * Answers questions about many activities exactly; docs/statistics.md defines what is counted.
 * Each answer has `asOf`: it is exact for everything committed before that moment. Before it is answered,
 * a question waits at most `statistics.maxWait` until the new activities in its range are in the statistics.
 * Each method throws an `InvalidFilterError` that names the wrong property of the question.
 *
 * @example
 * ```ts
 * import { Injectable } from '@nestjs/common';
 * import { ActivityStats } from 'nestjs-djaffar';
 *
 * @Injectable()
 * export class ReportService {
 *   constructor(private readonly stats: ActivityStats) {}
 *
 *   async lastMonth(): Promise<string> {
 *     const range = { from: '2026-11-01', to: '2026-11-30', timeZone: 'Europe/Berlin' };
 *     const { visits, asOf } = await this.stats.overview(range);
 *     const { items } = await this.stats.top('path', { ...range, limit: 10 });
 *     return `${visits.value} visits as of ${asOf}, most to ${items[0]?.value}`;
 *   }
 * }
 * ```
 */
@Injectable()
export class ActivityStats {
  private shared = new SharedQuestions<unknown>();
  private scope: readonly ParsedScope[] = [];
  private scopeKeys: readonly string[] = [];

  /** @internal */
  constructor(
    @Inject(STORE) private readonly store: Pick<Store, 'statistics'>,
    @Optional() private readonly telemetry?: Telemetry,
  ) {}

  /**
   * Returns the statistics of a scope, such as a customer's: only its activities count, and only visits with all their activities
   * in it. An empty scope contains everything; a property with the value `undefined` is an error.
   * @example
   * const { items } = await stats.scoped({ properties: { shop: 17 } }).top('path');
   * @throws InvalidFilterError
   */
  scoped(scope: ActivityScope): ActivityStats {
    const parsed = parseScope(scope);
    if (!parsed) return this;
    const scoped = new ActivityStats(this.store, this.telemetry);
    scoped.shared = this.shared;
    scoped.scope = [...this.scope, parsed];
    scoped.scopeKeys = [...this.scopeKeys, scopeKey(parsed)];
    return scoped;
  }

  /** Returns users, sessions, visits, activities, views, bounce rate and visit duration, each with its comparison. */
  overview(question: Question = {}, { compareTo }: OverviewOptions = {}): Promise<Overview> {
    const answer = (snapshot: StatisticsSnapshot, range: Range): Promise<Omit<Overview, 'asOf'>> =>
      readOverview(snapshot, range, compareTo);
    return this.ask(['overview', question, compareTo], question, answer, (range) => [
      range,
      comparedRange(range, compareTo) ?? range,
    ]);
  }

  /**
   * A measure over time, with an answer for each interval.
   * @example
   * await stats.series('visits', 'day');
   * await stats.series('sum(total)', 'month', { name: 'order.paid', from: '2026-01-01' });
   */
  async series(
    measure: Measure | AmountMeasure,
    interval: Interval,
    question: Question = {},
  ): Promise<Series> {
    const amount = parseAmount(measure);
    const counted = MEASURES.find((each) => each === measure);
    if (!counted && !amount) throw unknownMeasure(MEASURES);
    checkOneOf('interval', interval, INTERVALS);
    return this.ask(['series', measure, interval, question], question, async (snapshot, range) => {
      const starts = listIntervals(range, interval);
      const values = counted
        ? (await snapshot.measures([counted], range, starts))[counted]
        : amount && (await snapshot.amounts(amount, range, starts)).map(({ value }) => value);
      return {
        ...formatSpan(range),
        measure,
        interval,
        timeZone: range.timeZone,
        points: starts.map((start, i) => ({ date: isoIn(range, start), value: values?.[i] ?? null })),
      };
    });
  }

  /**
   * An aggregate of numbers: of a property, the time on a page, or how far it was scrolled.
   * @example
   * const { value } = await stats.measure('timeOnPage', { path: '/pricing' }); // seconds, the median
   */
  async measure(measure: AmountMeasure, question: Question = {}): Promise<AmountResult> {
    const amount = parseAmount(measure);
    if (!amount) throw unknownMeasure(ENGAGEMENT_MEASURES);
    return this.ask(['measure', measure, question], question, async (snapshot, range) => {
      const [found] = await snapshot.amounts(amount, range, [range.since]);
      return { ...formatSpan(range), measure, value: found?.value ?? null, count: found?.count ?? 0 };
    });
  }

  /**
   * The sum of the numbers of a property, to nine decimals.
   * @example
   * const { value } = await stats.sum('total', { name: 'order.paid' });
   */
  sum(property: string, question: Question = {}): Promise<AmountResult> {
    return this.measure(`sum(${property})`, question);
  }

  /** The mean of the numbers of a property. */
  avg(property: string, question: Question = {}): Promise<AmountResult> {
    return this.measure(`avg(${property})`, question);
  }

  /** The smallest number of a property. */
  min(property: string, question: Question = {}): Promise<AmountResult> {
    return this.measure(`min(${property})`, question);
  }

  /** The largest number of a property. */
  max(property: string, question: Question = {}): Promise<AmountResult> {
    return this.measure(`max(${property})`, question);
  }

  /**
   * A percentile of the numbers of a property, between two of them by linear interpolation.
   * @param fraction 0 to 1, such as 0.5 for the median, with at most five decimals
   */
  async percentile(property: string, fraction: number, question: Question = {}): Promise<AmountResult> {
    return this.measure(formatPercentile(property, fraction), question);
  }

  /** The most frequent values of a dimension, or those with the largest aggregate of numbers. */
  async top(dimension: Dimension, options: TopOptions = {}): Promise<Top> {
    const { query, amount, question } = parseTop(dimension, options);
    return this.ask(
      ['top', dimension, options],
      question,
      async (snapshot, range) => ({
        items: await (amount ? snapshot.topAmounts(amount, query, range) : snapshot.top(query, range)),
      }),
      // The names of users are those of their latest visits.
      (range) => [dimension === 'user' ? { ...range, until: FOREVER } : range],
      amount ? undefined : query,
    );
  }

  /** Returns the current visitors with their latest page and activity. */
  async live({ minutes = LIVE_MINUTES.default, ...question }: LiveOptions = {}): Promise<Live> {
    checkWholeNumber('minutes', minutes, LIVE_MINUTES);
    for (const property of ['from', 'to'])
      if (property in question) throw new InvalidFilterError(property, 'must not be given: live is now');
    const now = (): Question => {
      const to = new Date();
      return { ...question, from: new Date(to.getTime() - minutes * MINUTE), to };
    };
    // A client's clock may be ahead.
    return this.ask(
      ['live', minutes, question],
      now,
      (snapshot, range) => snapshot.live(range),
      (range) => [{ ...range, until: FOREVER }],
    );
  }

  /** Returns how many visitors did each step, in the order of the steps. */
  async funnel(steps: FunnelStep[], options: FunnelOptions = {}): Promise<Funnel> {
    const { within = Number.POSITIVE_INFINITY, ...question } = options;
    if (typeof within !== 'number' || !(within > 0))
      throw new InvalidFilterError('within', 'must be a number of milliseconds above 0');
    const parsed = parseFunnelSteps(steps);
    return this.ask(['funnel', steps, options], question, async (snapshot, range) => {
      const reached = await snapshot.funnel(parsed, range, within);
      return {
        steps: steps.map((step, i) => ({
          step,
          visitors: reached[i] ?? 0,
          stopped: i + 1 < steps.length ? (reached[i] ?? 0) - (reached[i + 1] ?? 0) : 0,
        })),
      };
    });
  }

  /** Returns, for the visitors whose first visit was in a period, how many came back in each later period. */
  async retention(options: RetentionOptions = {}): Promise<Retention> {
    const { period = 'week', by = 'user', ...question } = options;
    checkOneOf('period', period, PERIODS);
    checkOneOf('by', by, RETENTION_BY);
    return this.ask(
      ['retention', options],
      question,
      (snapshot, range) => snapshot.retention(range, { period, by }),
      // All earlier visits matter too: they decide which visit is a visitor's first.
      (range) => [{ ...range, since: 0 }],
    );
  }

  /** Returns the most frequent sequences of pages, or of routes: from a page, to a page, or from the first page of each visit. */
  async journeys(options: JourneysOptions = {}): Promise<Journeys> {
    const { query, question } = parseJourneys(options);
    return this.ask(['journeys', options], question, (snapshot, range) => snapshot.journeys(range, query));
  }

  /** Returns a page of visits with their activities, by default the latest first. `after` is the `next` of the previous page. */
  async visits(options: VisitsOptions = {}): Promise<Visits> {
    const { limit = VISITS_LIMIT.default, order = 'desc', after, ...question } = options;
    checkWholeNumber('limit', limit, VISITS_LIMIT);
    checkOneOf('order', order, ['asc', 'desc']);
    const place = after === undefined ? undefined : decodeVisitCursor(after);
    return this.ask(['visits', options], question, (snapshot, range) =>
      snapshot.visits(range, { limit, order, after: place }),
    );
  }

  /**
   * Validates the question, asks the store, and shares the answer with equal questions.
   * @param asked the method and its arguments; questions with equal ones share an answer
   * @param dependsOn the ranges that change the answer if anything is changed there
   */
  private async ask<T extends object>(
    asked: unknown[],
    question: Question | (() => Question),
    answer: (snapshot: StatisticsSnapshot, range: Range) => Promise<T>,
    dependsOn = (range: Range): TimeRange[] => [range],
    top?: TopQuery,
  ): Promise<T & AsOf> {
    const current = typeof question === 'function' ? question : () => question;
    parseRange(current());
    const parsed = parseStatisticsFilter(current());
    const filter = this.scope.length > 0 ? { ...parsed, scope: this.scope } : parsed;
    const work = (): Promise<unknown> =>
      this.shared.ask(buildKey([...asked, this.scopeKeys]), () => {
        const range = parseRange(current());
        return this.store.statistics.read(
          { filter, dependsOn: dependsOn(range), ...(top && { top: { query: top, range } }) },
          (snapshot) => answer(snapshot, range),
        );
      });
    const shared = await (this.telemetry?.time('question', { question: String(asked[0]) }, work) ?? work());
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the key has the method, which decides the type
    return shared as T & AsOf;
  }
}
