import { type INestApplicationContext, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { clickHouse } from '../../lib/store/clickhouse/index.js';
import {
  type Activity,
  ActivityService,
  ActivityStats,
  defaultPage,
  djaffarEntities,
  djaffarMigrations,
  DjaffarModule,
  type DjaffarOptions,
  type Store,
} from '../../lib/index.js';
import { DEFAULTS, STORE } from '../../lib/options/settings.js';
import { type ClickHouseServer, startClickHouse } from './clickhouse/clickhouse.js';
import { createMigratedDatabase, type StoreName, type TestDatabase } from './databases.js';
import { startHost } from './host.js';

/** Generous limits, so that a busy machine causes no older results and no time-outs. */
const UNHURRIED = { maxWait: 240_000, timeout: 240_000, statementTimeout: 240_000 };

/** An instance of an app. */
export interface StoreHost {
  activities: ActivityService;
  stats: ActivityStats;
  store: Store;
  url: string;
  /** All stored activities, the oldest first. */
  stored(): Promise<Activity[]>;
  close(): Promise<void>;
}

/** An empty database with the tables, on which instances are started. */
export interface StoreDatabase {
  start(options?: DjaffarOptions): Promise<StoreHost>;
  /** The exports of the file that the command gets. */
  exported(): object;
  drop(): Promise<void>;
}

export async function createStore(name: StoreName): Promise<StoreDatabase> {
  return name === 'clickhouse'
    ? onClickHouse(await startClickHouse())
    : onTypeOrm(await createMigratedDatabase(name));
}

function onTypeOrm(database: TestDatabase): StoreDatabase {
  return {
    start: async (djaffar = {}) => {
      const { app, url } = await startHost({
        adapter: 'fastify',
        database,
        djaffar: { statistics: UNHURRIED, ...djaffar },
      });
      return hostOf(app, url);
    },
    exported: () => ({
      dataSource: new DataSource({
        ...database.options,
        entities: djaffarEntities,
        migrations: djaffarMigrations,
      }),
      page: defaultPage,
    }),
    drop: () => database.drop(),
  };
}

async function onClickHouse(server: ClickHouseServer): Promise<StoreDatabase> {
  const database = await server.createDatabase();
  const factory = clickHouse({ url: server.url, database });
  const { writer, statistics } = DEFAULTS;
  const store = await factory.create({ writer, statistics, page: (path) => path });
  await store.migrate();
  await store.close();
  return {
    start: async (djaffar = {}) => {
      @Module({ imports: [DjaffarModule.forRoot({ statistics: UNHURRIED, ...djaffar, store: factory })] })
      class HostModule {}

      const app = await NestFactory.create(HostModule, { logger: false, abortOnError: false });
      await app.listen(0, '127.0.0.1');
      return hostOf(app, await app.getUrl());
    },
    exported: () => ({ store: factory, page: defaultPage }),
    drop: () => server.stop(),
  };
}

function hostOf(app: INestApplicationContext, url: string): StoreHost {
  const activities = app.get(ActivityService, { strict: false });
  return {
    activities,
    stats: app.get(ActivityStats, { strict: false }),
    store: app.get<Store>(STORE, { strict: false }),
    url,
    stored: async () => {
      const all: Activity[] = [];
      for await (const activity of activities.stream()) all.push(activity);
      return all;
    },
    close: () => app.close(),
  };
}
