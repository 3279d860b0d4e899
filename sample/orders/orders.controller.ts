import { Controller, Get, HttpCode, Param, Post, Req, UseGuards } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { type Activity, ActivityService, type FeedItem, Track, type UserSession } from '../../lib/index.js';
import { SessionGuard, type SampleRequest } from '../auth/guards.js';
import { Invoice } from './invoice.entity.js';
import { OrdersService } from './orders.service.js';

@Controller('orders')
export class OrdersController {
  constructor(
    private readonly orders: OrdersService,
    private readonly activities: ActivityService,
    private readonly dataSource: DataSource,
  ) {}

  /** The activities and browsers of the user. */
  @Get('mine')
  @UseGuards(SessionGuard)
  async mine(@Req() { user }: SampleRequest): Promise<{ feed: FeedItem[]; sessions: UserSession[] }> {
    const id = user?.id ?? '';
    return {
      feed: await this.activities.feed({ user: id, limit: 20 }),
      sessions: await this.activities.sessions(id),
    };
  }

  @Get(':id')
  @HttpCode(204)
  async open(@Param('id') id: string): Promise<void> {
    await this.orders.open(id);
  }

  @Post(':id/pay')
  @HttpCode(204)
  async pay(@Param('id') id: string): Promise<void> {
    await this.orders.pay({ id, total: 42 });
  }

  @Post(':id/cancel')
  @HttpCode(204)
  @Track('order.cancelled', { subject: ({ params }) => `order:${params.id}` })
  cancel(@Param('id') _id: string): void {}

  /** Whether an order has an invoice: soon after it was paid. */
  @Get(':id/invoice')
  async invoice(@Param('id') id: string): Promise<{ exists: boolean }> {
    return { exists: await this.dataSource.getRepository(Invoice).existsBy({ order: `order:${id}` }) };
  }

  /** All activities of an order, the latest first. */
  @Get(':id/timeline')
  async timeline(@Param('id') id: string): Promise<Activity[]> {
    const { items } = await this.activities.find({ subject: ['order', id] });
    return items;
  }
}
