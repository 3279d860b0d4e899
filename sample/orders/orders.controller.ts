import { Controller, HttpCode, Param, Post } from '@nestjs/common';
import { OrdersService } from './orders.service.js';

@Controller('orders')
export class OrdersController {
  constructor(private readonly orders: OrdersService) {}

  @Post(':id/pay')
  @HttpCode(204)
  async pay(@Param('id') id: string): Promise<void> {
    await this.orders.pay(id, 42);
  }
}
