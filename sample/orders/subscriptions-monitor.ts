import { Injectable, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { ActivitySubscriptions } from '../../lib/index.js';

/** Tries again after a deployment what was parked before. */
@Injectable()
export class SubscriptionsMonitor implements OnApplicationBootstrap {
  private readonly logger = new Logger(SubscriptionsMonitor.name);

  constructor(private readonly subscriptions: ActivitySubscriptions) {}

  async onApplicationBootstrap(): Promise<void> {
    for (const { name, waiting, parkedAt } of await this.subscriptions.status())
      if (parkedAt) {
        this.logger.warn(`${name} is parked, and ${waiting} activities wait`);
        await this.subscriptions.resume(name);
      }
  }
}
