import { BadRequestException, Controller, Get, Query, UseGuards, ValidationPipe } from '@nestjs/common';
import type { Activity } from '../activity/activity.entity.js';
import { InvalidFilterError } from '../activity/activity.filter.js';
import { ActivityService, type Page } from '../activity/activity.service.js';
import { ActivitiesQuery } from './activities.query.js';
import { ApiGuard } from './api.guard.js';

/** `ActivityService.find` over HTTP. */
@Controller()
@UseGuards(ApiGuard)
export class ActivitiesController {
  constructor(private readonly activities: ActivityService) {}

  @Get('activities')
  async find(
    @Query(new ValidationPipe({ transform: true, whitelist: true, forbidNonWhitelisted: true }))
    { limit, after, order, ...filter }: ActivitiesQuery,
  ): Promise<Page<Activity>> {
    try {
      return await this.activities.find(filter, { limit, after, order });
    } catch (error) {
      if (error instanceof InvalidFilterError) throw new BadRequestException(error.message);
      throw error;
    }
  }
}
