import { Controller, Get, Query, Req, UseInterceptors } from '@nestjs/common';
import { InvalidFilterError, millisecondsOf } from '../activity/activity.filter.js';
import { STATISTICS_FIELDS } from '../statistics/statistics-filter.js';
import type {
  AmountResult,
  Funnel,
  Journeys,
  Live,
  Overview,
  OverviewOptions,
  Retention,
  Series,
  Top,
  Visits,
} from '../statistics/statistics.types.js';
import { ApiErrorInterceptor, DisconnectInterceptor } from './interceptors.js';
import { mergeFilter } from './merge-filter.js';
import { ScopedServices } from './scoped-services.js';
import { NoStoreInterceptor } from '../http/no-store.interceptor.js';
import { queryPipe } from './activities.query.js';
import {
  FunnelQuery,
  JourneysQuery,
  LiveQuery,
  MeasureQuery,
  OverviewQuery,
  RetentionQuery,
  SeriesQuery,
  TopQuery,
  VisitsQuery,
} from './statistics.query.js';

/** `ActivityStats` over HTTP; its options are query parameters. */
@Controller()
@UseInterceptors(NoStoreInterceptor, ApiErrorInterceptor, DisconnectInterceptor)
export class StatisticsController {
  constructor(private readonly services: ScopedServices) {}

  @Get('stats/overview')
  async overview(
    @Query(queryPipe) { compareTo, ...query }: OverviewQuery,
    @Req() request: object,
  ): Promise<Overview> {
    const question = mergeFilter(query, STATISTICS_FIELDS);
    return this.services.statsFor(request).overview(question, { compareTo: parseComparison(compareTo) });
  }

  @Get('stats/series')
  async series(
    @Query(queryPipe) { measure, interval, ...query }: SeriesQuery,
    @Req() request: object,
  ): Promise<Series> {
    return this.services.statsFor(request).series(measure, interval, mergeFilter(query, STATISTICS_FIELDS));
  }

  @Get('stats/measure')
  async measure(
    @Query(queryPipe) { measure, ...query }: MeasureQuery,
    @Req() request: object,
  ): Promise<AmountResult> {
    return this.services.statsFor(request).measure(measure, mergeFilter(query, STATISTICS_FIELDS));
  }

  @Get('stats/top')
  async top(@Query(queryPipe) { dimension, ...options }: TopQuery, @Req() request: object): Promise<Top> {
    return this.services.statsFor(request).top(dimension, mergeFilter(options, STATISTICS_FIELDS));
  }

  @Get('stats/live')
  async live(@Query(queryPipe) options: LiveQuery, @Req() request: object): Promise<Live> {
    return this.services.statsFor(request).live(mergeFilter(options, STATISTICS_FIELDS));
  }

  @Get('stats/funnel')
  async funnel(
    @Query(queryPipe) { steps, ...options }: FunnelQuery,
    @Req() request: object,
  ): Promise<Funnel> {
    return this.services.statsFor(request).funnel(steps, mergeFilter(options, STATISTICS_FIELDS));
  }

  @Get('stats/retention')
  async retention(@Query(queryPipe) options: RetentionQuery, @Req() request: object): Promise<Retention> {
    return this.services.statsFor(request).retention(mergeFilter(options, STATISTICS_FIELDS));
  }

  @Get('stats/journeys')
  async journeys(@Query(queryPipe) options: JourneysQuery, @Req() request: object): Promise<Journeys> {
    return this.services.statsFor(request).journeys(mergeFilter(options, STATISTICS_FIELDS));
  }

  @Get('stats/visits')
  async visits(@Query(queryPipe) options: VisitsQuery, @Req() request: object): Promise<Visits> {
    return this.services.statsFor(request).visits(mergeFilter(options, STATISTICS_FIELDS));
  }
}

/** @throws InvalidFilterError */
function parseComparison(text: string | undefined): OverviewOptions['compareTo'] {
  if (text === undefined || text === 'previous' || text === 'year') return text;
  const [from, to, ...others] = text.split('/');
  if (from === undefined || to === undefined || others.length > 0)
    throw new InvalidFilterError(
      'compareTo',
      "must be 'previous', 'year' or a range, such as 2026-10-01/2026-10-31",
    );
  millisecondsOf('from', from, undefined, 'compareTo');
  millisecondsOf('to', to, undefined, 'compareTo');
  return { from, to };
}
