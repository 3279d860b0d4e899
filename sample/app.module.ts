import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DjaffarModule, djaffarMigrations } from '../lib/index.js';
import { AuthModule } from './auth/auth.module.js';
import { AdminGuard, DashboardGuard, JwtAuthGuard, SessionGuard } from './auth/guards.js';
import { databaseOptions } from './database.js';
import { HealthController } from './health.controller.js';
import { CreateOrders1763000000001 } from './orders/create-orders.js';
import { OrderPaid } from './orders/order-paid.js';
import { Order } from './orders/order.entity.js';
import { Invoice } from './orders/invoice.entity.js';
import { Invoices } from './orders/invoices.js';
import { SubscriptionsMonitor } from './orders/subscriptions-monitor.js';
import { LEDGER_SECRET, LedgerController } from './orders/ledger.controller.js';
import { OrderListeners } from './orders/order-listeners.js';
import { OrdersController } from './orders/orders.controller.js';
import { OrdersService } from './orders/orders.service.js';
import { Receipts } from './orders/receipts.js';
import { PageController } from './page/page.controller.js';

/** Such as `http://127.0.0.1:3000/ledger`, which is this application itself. */
const { LEDGER_URL } = process.env;

@Module({
  imports: [
    TypeOrmModule.forRootAsync({
      useFactory: () => ({
        ...databaseOptions(process.env.DATABASE_URL),
        autoLoadEntities: true,
        migrations: [...djaffarMigrations, CreateOrders1763000000001],
        migrationsRun: true,
      }),
    }),
    TypeOrmModule.forFeature([Order, Invoice]),
    AuthModule,
    DjaffarModule.forRoot({
      imports: [AuthModule],
      guards: [SessionGuard, JwtAuthGuard],
      requestContext: true,
      events: { 'order.paid': OrderPaid },
      webhooks: LEDGER_URL
        ? [{ url: LEDGER_URL, secret: LEDGER_SECRET, filter: { name: 'order.*' }, privateAddresses: true }]
        : [],
      subscriptions: [{ name: 'invoices', filter: { name: 'order.paid' }, handler: Invoices }],
      api: { guards: [AdminGuard] },
      dashboard: { guards: [DashboardGuard] },
      // The first question waits until the statistics of the generated weeks are computed.
      statistics: { maxWait: 30_000 },
    }),
  ],
  controllers: [HealthController, LedgerController, OrdersController, PageController],
  providers: [Invoices, OrdersService, OrderListeners, Receipts, SubscriptionsMonitor],
})
export class AppModule {}
