import { Controller, Delete, Query, UseGuards, UseInterceptors } from '@nestjs/common';
import { ActivityService } from '../activity/activity.service.js';
import { SameOriginGuard } from '../guards/same-origin.guard.js';
import { EraseQuery } from './activities.query.js';
import { ApiErrorInterceptor } from './api-error.interceptor.js';
import { NoStoreInterceptor } from './no-store.interceptor.js';
import { queryPipe } from './query.pipe.js';

/** `ActivityService.erase` over HTTP. */
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
