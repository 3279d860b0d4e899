import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import Database from 'libsql';
import { DataSource } from 'typeorm';
import { ActivityService, DjaffarModule, djaffarMigrations } from '../../lib/index.js';
import { OrdersService } from '../../sample/orders/orders.service.js';
import { Receipts } from '../../sample/orders/receipts.js';

/** What docs/server.md shows about tests; `server.docs.test.ts` compares them. */
describe('a test of a host', () => {
  it('can give a service a stand-in', async () => {
    const track = jest.fn();
    const testing = await Test.createTestingModule({
      providers: [
        OrdersService,
        { provide: ActivityService, useValue: { track } },
        { provide: DataSource, useValue: {} },
        { provide: Receipts, useValue: {} },
      ],
    }).compile();
    await testing.get(OrdersService).open('17');
    expect(track).toHaveBeenCalledWith({ name: 'order.opened', properties: { order: '17' } });
  });

  it('can use the module on a database in memory', async () => {
    const driver: unknown = Database;
    const testing = await Test.createTestingModule({
      imports: [
        TypeOrmModule.forRoot({
          type: 'better-sqlite3',
          driver,
          database: ':memory:',
          autoLoadEntities: true,
          migrations: [...djaffarMigrations],
          migrationsRun: true,
        }),
        DjaffarModule.forRoot(),
      ],
    }).compile();
    const app = await testing.createNestApplication().init();
    const activities = app.get(ActivityService);
    await activities.track({ path: '/orders/17', name: 'order.opened' });
    expect((await activities.find({ name: 'order.opened' })).items).toHaveLength(1);
    await app.close();
  });
});
