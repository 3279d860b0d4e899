import { Injectable, Logger } from '@nestjs/common';
import { type NewDevice, OnActivity, OnNewDevice, type StoredActivity } from '../../lib/index.js';

@Injectable()
export class OrderListeners {
  private readonly logger = new Logger(OrderListeners.name);

  @OnActivity({ name: 'order.*' })
  changed({ name, userName }: StoredActivity): void {
    this.logger.debug(`${name} by ${userName ?? 'a visitor'}`);
  }

  @OnNewDevice()
  warn({ activity, isFirst }: NewDevice): void {
    if (isFirst) return;
    this.logger.debug(`${activity.userName} uses ${activity.session?.browser} for the first time`);
  }
}
