import { Controller, Delete, Get, Query, UseGuards, UseInterceptors } from '@nestjs/common';
import type { Activity } from '../activity/activity.js';
import { ActivityService } from '../activity/activity.service.js';
import type { Page } from '../activity/pagination.js';
import { SameOriginGuard } from '../guards/same-origin.guard.js';
import { NoStoreInterceptor } from '../http/no-store.interceptor.js';
import { ActivitiesQuery, EraseQuery, queryPipe } from './activities.query.js';
import { ApiErrorInterceptor, DisconnectInterceptor } from './interceptors.js';

/** `ActivityService.find` over HTTP. */
@Controller()
@UseInterceptors(NoStoreInterceptor, ApiErrorInterceptor, DisconnectInterceptor)
export class ActivitiesController {
  constructor(private readonly activities: ActivityService) {}

  @Get('activities')
  find(@Query(queryPipe) { limit, after, order, ...filter }: ActivitiesQuery): Promise<Page<Activity>> {
    return this.activities.find(filter, { limit, after, order });
  }
}

/** `ActivityService.erase` over HTTP, only for the dashboard. */
@Controller()
@UseInterceptors(NoStoreInterceptor, ApiErrorInterceptor)
export class ErasureController {
  constructor(private readonly activities: ActivityService) {}

  @Delete('activities')
  @UseGuards(SameOriginGuard)
  async erase(@Query(queryPipe) { keepAnonymous, ...filter }: EraseQuery): Promise<{ erased: number }> {
    return { erased: await this.activities.erase(filter, { keepAnonymous }) };
  }
}
