import { Controller, Get, Query, UseInterceptors } from '@nestjs/common';
import type { Activity } from '../activity/activity.entity.js';
import { ActivityService, type Page } from '../activity/activity.service.js';
import { ActivitiesQuery } from './activities.query.js';
import { ApiErrorInterceptor } from './api-error.interceptor.js';
import { ClientInterceptor } from './client.interceptor.js';
import { NoStoreInterceptor } from './no-store.interceptor.js';
import { queryPipe } from './query.pipe.js';

/** `ActivityService.find` over HTTP. */
@Controller()
@UseInterceptors(NoStoreInterceptor, ApiErrorInterceptor, ClientInterceptor)
export class ActivitiesController {
  constructor(private readonly activities: ActivityService) {}

  @Get('activities')
  find(@Query(queryPipe) { limit, after, order, ...filter }: ActivitiesQuery): Promise<Page<Activity>> {
    return this.activities.find(filter, { limit, after, order });
  }
}
