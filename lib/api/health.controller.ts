import { Controller, ForbiddenException, Get, Query, Req, UseInterceptors } from '@nestjs/common';
import { HealthService } from '../health/health.service.js';
import type { Health } from '../health/health.types.js';
import { NoStoreInterceptor } from '../http/no-store.interceptor.js';
import { queryPipe } from './activities.query.js';
import { HealthQuery } from './health.query.js';
import { ApiErrorInterceptor, DisconnectInterceptor } from './interceptors.js';
import { ScopedServices } from './scoped-services.js';

/** The HTTP route of {@link HealthService}. */
@Controller()
@UseInterceptors(NoStoreInterceptor, ApiErrorInterceptor, DisconnectInterceptor)
export class HealthController {
  constructor(
    private readonly health: HealthService,
    private readonly services: ScopedServices,
  ) {}

  /** @throws ForbiddenException for a viewer with a scope, because refused requests belong to no scope */
  @Get('health')
  report(@Query(queryPipe) { hours }: HealthQuery, @Req() request: object): Promise<Health> {
    if (!this.services.seesAll(request))
      throw new ForbiddenException('a viewer with a scope must not see the health of the app');
    return this.health.report(hours);
  }
}
