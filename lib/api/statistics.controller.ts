import { Controller, Get, Query, UseInterceptors } from '@nestjs/common';
import { InvalidFilterError, millisecondsOf } from '../activity/activity.filter.js';
import { ActivityStats } from '../statistics/activity.stats.js';
import type {
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
import { NoStoreInterceptor } from '../http/no-store.interceptor.js';
import { queryPipe } from './activities.query.js';
import {
  FunnelQuery,
  JourneysQuery,
  LiveQuery,
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
  constructor(private readonly stats: ActivityStats) {}

  @Get('stats/overview')
  overview(@Query(queryPipe) { compareTo, ...question }: OverviewQuery): Promise<Overview> {
    return this.stats.overview(question, { compareTo: parseComparison(compareTo) });
  }

  @Get('stats/series')
  series(@Query(queryPipe) { measure, interval, ...question }: SeriesQuery): Promise<Series> {
    return this.stats.series(measure, interval, question);
  }

  @Get('stats/top')
  top(@Query(queryPipe) { dimension, ...options }: TopQuery): Promise<Top> {
    return this.stats.top(dimension, options);
  }

  @Get('stats/live')
  live(@Query(queryPipe) options: LiveQuery): Promise<Live> {
    return this.stats.live({ ...options });
  }

  @Get('stats/funnel')
  funnel(@Query(queryPipe) { steps, ...options }: FunnelQuery): Promise<Funnel> {
    return this.stats.funnel(steps, options);
  }

  @Get('stats/retention')
  retention(@Query(queryPipe) options: RetentionQuery): Promise<Retention> {
    return this.stats.retention({ ...options });
  }

  @Get('stats/journeys')
  journeys(@Query(queryPipe) options: JourneysQuery): Promise<Journeys> {
    return this.stats.journeys({ ...options });
  }

  @Get('stats/visits')
  visits(@Query(queryPipe) options: VisitsQuery): Promise<Visits> {
    return this.stats.visits({ ...options });
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
