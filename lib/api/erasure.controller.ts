import { Controller, Delete, Query, UseGuards, UseInterceptors } from '@nestjs/common';
import { ActivityService } from '../activity/activity.service.js';
import { SameOriginGuard } from '../guards/same-origin.guard.js';
import { Rollup } from '../statistics/rollup/rollup.js';
import { FilterQuery } from './activities.query.js';
import { BadFilterInterceptor } from './bad-filter.interceptor.js';
import { NoStoreInterceptor } from './no-store.interceptor.js';
import { queryPipe } from './query.pipe.js';

/** `ActivityService.erase` over HTTP. */
@Controller()
@UseInterceptors(NoStoreInterceptor, BadFilterInterceptor)
export class ErasureController {
  constructor(
    private readonly activities: ActivityService,
    private readonly rollup: Rollup,
  ) {}

  @Delete('activities')
  @UseGuards(SameOriginGuard)
  async erase(@Query(queryPipe) filter: FilterQuery): Promise<{ erased: number }> {
    const erased = await this.activities.erase({ ...filter });
    // What is kept for statistics names users and paths too.
    await this.rollup.drain();
    return { erased };
  }
}
