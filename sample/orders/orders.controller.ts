import { Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import { OrdersService } from './orders.service.js';

@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

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
}
