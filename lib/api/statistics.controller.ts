import { Controller, Get, Query, UseInterceptors } from '@nestjs/common';
import type { Page } from '../activity/activity.service.js';
import { ActivityStats } from '../statistics/activity.stats.js';
import type {
  Funnel,
  Journeys,
  Live,
  Overview,
  OverviewOptions,
  Retention,
  Series,
  TopRow,
  VisitRecord,
} from '../statistics/statistics.types.js';
import { ApiErrorInterceptor } from './api-error.interceptor.js';
import { NoStoreInterceptor } from './no-store.interceptor.js';
import { queryPipe } from './query.pipe.js';
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

/** `ActivityStats` over HTTP: what it takes as options stands in the query. */
@Controller()
@UseInterceptors(NoStoreInterceptor, ApiErrorInterceptor)
export class StatisticsController {
  constructor(private readonly stats: ActivityStats) {}

  @Get('stats/overview')
  overview(@Query(queryPipe) { compareTo, ...question }: OverviewQuery): Promise<Overview> {
    return this.stats.overview(question, { compareTo: comparisonOf(compareTo) });
  }

  @Get('stats/series')
  series(@Query(queryPipe) { measure, interval, ...question }: SeriesQuery): Promise<Series> {
    return this.stats.series(measure, interval, question);
  }

  @Get('stats/top')
  async top(@Query(queryPipe) { dimension, ...options }: TopQuery): Promise<{ items: TopRow[] }> {
    return { items: await this.stats.top(dimension, options) };
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
  visits(@Query(queryPipe) options: VisitsQuery): Promise<Page<VisitRecord>> {
    return this.stats.visits({ ...options });
  }
}

/** What is neither of the words nor a range is told to be wrong by `ActivityStats`. */
function comparisonOf(text: string | undefined): OverviewOptions['compareTo'] {
  if (text === undefined || text === 'previous' || text === 'year') return text;
  const [from = '', to = ''] = text.split('/');
  return { from, to };
}
