import { Injectable } from '@nestjs/common';
import {
  ClsPluginTransactional,
  InjectTransaction,
  Transactional as ClsTransactional,
} from '@nestjs-cls/transactional';
import { TransactionalAdapterTypeOrm } from '@nestjs-cls/transactional-adapter-typeorm';
import { getDataSourceToken } from '@nestjs/typeorm';
import { ClsModule } from 'nestjs-cls';
import { DataSource, EntityManager } from 'typeorm';
import {
  addTransactionalDataSource,
  deleteDataSourceByName,
  initializeTransactionalContext,
  StorageDriver,
  Transactional,
} from 'typeorm-transactional';
import { ActivityService, Session } from '../../lib/index.js';
import { FOUND } from '../support/databases.js';
import { type Host, startHost } from '../support/host.js';

async function failing(work: () => Promise<void>): Promise<void> {
  await work();
  throw new Error('out of stock');
}

/** With typeorm-transactional the manager of the data source is that of the transaction. */
@Injectable()
class PatchedOrders {
  constructor(
    private readonly activities: ActivityService,
    private readonly dataSource: DataSource,
  ) {}

  @Transactional()
  async pay(): Promise<void> {
    await this.track();
  }

  @Transactional()
  async fail(): Promise<void> {
    await failing(() => this.track());
  }

  private async track(): Promise<void> {
    const { manager } = this.dataSource;
    await manager.query('INSERT INTO orders (id) VALUES (1)');
    await this.activities.track({ name: 'order.paid', session: 's' }, { manager });
  }
}

@Injectable()
class ClsOrders {
  constructor(
    private readonly activities: ActivityService,
    @InjectTransaction() private readonly manager: EntityManager,
  ) {}

  @ClsTransactional()
  async pay(): Promise<void> {
    await this.track();
  }

  @ClsTransactional()
  async fail(): Promise<void> {
    await failing(() => this.track());
  }

  private async track(): Promise<void> {
    const { manager } = this;
    await manager.query('INSERT INTO orders (id) VALUES (1)');
    await this.activities.track({ name: 'order.paid', session: 's' }, { manager });
  }
}

async function ordersIn(host: Host): Promise<{ orders: number; activities: string[]; sessions: number }> {
  const rows: unknown[] = await host.dataSource.query('SELECT id FROM orders');
  return {
    orders: rows.length,
    activities: (await host.stored()).map(({ name }) => name),
    sessions: await host.dataSource.getRepository(Session).count(),
  };
}

const LIBRARIES = [
  {
    library: 'typeorm-transactional',
    Orders: PatchedOrders,
    prepare: () => void initializeTransactionalContext({ storageDriver: StorageDriver.ASYNC_LOCAL_STORAGE }),
    imports: [],
    begin: ({ dataSource }: Host) => void addTransactionalDataSource(dataSource),
    end: () => void deleteDataSourceByName('default'),
  },
  {
    library: '@nestjs-cls/transactional',
    Orders: ClsOrders,
    prepare: () => {},
    imports: [
      ClsModule.forRoot({
        plugins: [
          new ClsPluginTransactional({
            adapter: new TransactionalAdapterTypeOrm({ dataSourceToken: getDataSourceToken() }),
            enableTransactionProxy: true,
          }),
        ],
      }),
    ],
    begin: () => {},
    end: () => {},
  },
];

describe.each(FOUND)('an activity, on %s,', (database) => {
  it.each(LIBRARIES)('is committed or rolled back with a transaction of $library', async (each) => {
    const { Orders, imports } = each;
    each.prepare();
    const host = await startHost({ adapter: 'express', database, imports, providers: [Orders] });
    try {
      each.begin(host);
      await host.dataSource.query('CREATE TABLE orders (id INTEGER PRIMARY KEY)');
      const orders: PatchedOrders | ClsOrders = host.app.get(Orders);
      const atPath = (work: () => Promise<void>): Promise<void> =>
        host.activities.runAs({ path: '/orders/1' }, work);
      await expect(atPath(() => orders.fail())).rejects.toThrow('out of stock');
      await expect(ordersIn(host)).resolves.toEqual({ orders: 0, activities: [], sessions: 0 });
      await atPath(() => orders.pay());
      await expect(ordersIn(host)).resolves.toMatchObject({ orders: 1, activities: ['order.paid'] });
    } finally {
      each.end();
      await host.close();
    }
  });
});
