import { Controller, Get, Inject, Req, UseInterceptors } from '@nestjs/common';
import { ActivityService } from '../activity/activity.service.js';
import { NoStoreInterceptor } from '../api/no-store.interceptor.js';
import { type Registration, REGISTRATION, type Settings, SETTINGS } from '../djaffar.options.js';
import { version } from '../generated/version.js';
import type { TrackRequest } from '../tracking/request.js';
import { userOf } from '../tracking/user.js';

export interface About {
  version: string;
  /** The name of who is looking, where the host tells it. */
  user: string | null;
  /** The URL of `tracker.js`, as the page sees it. */
  tracker: string;
  /** Whether there is no activity at all. */
  isEmpty: boolean;
}

/** What the page has to know besides. */
@Controller()
@UseInterceptors(NoStoreInterceptor)
export class AboutController {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(REGISTRATION) private readonly registration: Registration,
    private readonly activities: ActivityService,
  ) {}

  @Get('about')
  async about(@Req() request: TrackRequest): Promise<About> {
    const { items } = await this.activities.find({}, { limit: 1 });
    return {
      version,
      user: userOf(request, this.settings)?.name ?? null,
      tracker: `../${this.registration.tracker}`,
      isEmpty: items.length === 0,
    };
  }
}
