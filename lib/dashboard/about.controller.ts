import { Controller, Get, Inject, Req, UseInterceptors } from '@nestjs/common';
import { ApiErrorInterceptor, DisconnectInterceptor } from '../api/interceptors.js';
import { ScopedServices } from '../api/scoped-services.js';
import { NoStoreInterceptor } from '../http/no-store.interceptor.js';
import { type Registration, REGISTRATION, type Settings, SETTINGS } from '../options/settings.js';
import { version } from '../generated/version.js';
import type { TrackRequest } from '../http/request.js';
import { findUser } from '../tracking/user.js';

export interface About {
  version: string;
  /** Name of the viewer, if the host has one. */
  user: string | null;
  /** URL of the tracker, relative to the page. */
  tracker: string;
  /** Date of the first activity, ISO 8601; `null` if there is none. */
  since: string | null;
  /** The option `dashboard.timeZone`. */
  timeZone: string | null;
  /** Whether the viewer may see the health of the app. */
  health: boolean;
}

/** Returns what the page needs before it requests statistics. */
@Controller()
@UseInterceptors(NoStoreInterceptor, ApiErrorInterceptor, DisconnectInterceptor)
export class AboutController {
  constructor(
    @Inject(SETTINGS) private readonly settings: Settings,
    @Inject(REGISTRATION) private readonly registration: Registration,
    private readonly services: ScopedServices,
  ) {}

  @Get('about')
  async about(@Req() request: TrackRequest): Promise<About> {
    const { items } = await this.services.activitiesFor(request).find({}, { limit: 1, order: 'asc' });
    return {
      version,
      user: findUser(request, this.settings)?.name ?? null,
      tracker: `../${this.registration.tracker}`,
      since: items[0]?.date.toISOString() ?? null,
      timeZone: this.settings.dashboard?.timeZone ?? null,
      health: this.services.seesAll(request),
    };
  }
}
