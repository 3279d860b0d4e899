import { Injectable } from '@nestjs/common';
import { ActivityService } from '../../lib/index.js';
import { Receipts } from './receipts.js';

@Injectable()
export class OrdersService {
  constructor(
    private readonly activities: ActivityService,
    private readonly receipts: Receipts,
  ) {}

  async pay(order: string, total: number): Promise<void> {
    await this.activities.track({ name: 'order.paid', properties: { order, total } });
    await this.receipts.add({ order, context: this.activities.context() });
  }
}
