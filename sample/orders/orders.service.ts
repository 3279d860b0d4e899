import { Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { ActivityService } from '../../lib/index.js';
import { Order } from './order.entity.js';
import { Receipts } from './receipts.js';

@Injectable()
export class OrdersService {
  constructor(
    private readonly activities: ActivityService,
    private readonly dataSource: DataSource,
    private readonly receipts: Receipts,
  ) {}

  async pay(order: Order): Promise<void> {
    await this.dataSource.transaction(async (manager) => {
      await manager.save(Order, order);
      await this.activities.track(
        { name: 'order.paid', subject: ['order', order.id], properties: { total: order.total } },
        { manager },
      );
    });
    await this.receipts.add({ order: order.id, context: this.activities.context() });
  }

  /** Tracks that a user opened an order. */
  async open(order: string): Promise<void> {
    await this.activities.track({ name: 'order.opened', properties: { order } });
  }
}
