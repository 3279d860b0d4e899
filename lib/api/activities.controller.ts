import { Controller, Delete, Get, Query, Req, UseGuards, UseInterceptors } from '@nestjs/common';
import { ACTIVITY_FIELDS } from '../activity/activity.filter.js';
import type { Activity } from '../activity/activity.js';
import type { Page } from '../activity/pagination.js';
import { SameOriginGuard } from '../guards/same-origin.guard.js';
import { NoStoreInterceptor } from '../http/no-store.interceptor.js';
import { ActivitiesQuery, EraseQuery, queryPipe } from './activities.query.js';
import { ApiErrorInterceptor, DisconnectInterceptor } from './interceptors.js';
import { mergeFilter } from './merge-filter.js';
import { ScopedServices } from './scoped-services.js';

/** `ActivityService.find` over HTTP. */
@Controller()
@UseInterceptors(NoStoreInterceptor, ApiErrorInterceptor, DisconnectInterceptor)
export class ActivitiesController {
  constructor(private readonly services: ScopedServices) {}

  @Get('activities')
  async find(
    @Query(queryPipe) { limit, after, order, ...query }: ActivitiesQuery,
    @Req() request: object,
  ): Promise<Page<Activity>> {
    const filter = mergeFilter(query, ACTIVITY_FIELDS);
    return this.services.activitiesFor(request).find(filter, { limit, after, order });
  }
}

/** `ActivityService.erase` over HTTP, only for the dashboard. */
@Controller()
@UseInterceptors(NoStoreInterceptor, ApiErrorInterceptor)
export class ErasureController {
  constructor(private readonly services: ScopedServices) {}

  @Delete('activities')
  @UseGuards(SameOriginGuard)
  async erase(
    @Query(queryPipe) { keepAnonymous, ...query }: EraseQuery,
    @Req() request: object,
  ): Promise<{ erased: number }> {
    const filter = mergeFilter(query, ACTIVITY_FIELDS);
    return { erased: await this.services.activitiesFor(request).erase(filter, { keepAnonymous }) };
  }
}
