import { type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';
import { clickHouse } from '../../lib/store/clickhouse/index.js';
import { TABLES } from '../../lib/store/clickhouse/tables.js';
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
import { createMigratedDatabase, dumpOf, type StoreName, type TestDatabase } from './databases.js';
import { type HostOptions, startHost } from './host.js';

/** Generous limits, so that a busy machine causes no older results and no time-outs. */
const UNHURRIED = { maxWait: 240_000, timeout: 240_000, statementTimeout: 240_000 };

/** An instance of an app. */
export interface StoreHost {
  app: INestApplication;
  activities: ActivityService;
  stats: ActivityStats;
  store: Store;
  url: string;
  /** All stored activities, the oldest first. */
  stored(): Promise<Activity[]>;
  /** Tracks activities by HTTP. */
  post(body: object, headers?: Record<string, string>): Promise<Response>;
  /** All rows of all tables, also deleted ones that are still there. */
  dump(): Promise<string>;
  close(): Promise<void>;
}

/** An empty database with the tables, on which instances are started. */
export interface StoreDatabase {
  start(
    options?: DjaffarOptions,
    host?: Omit<HostOptions, 'database' | 'djaffar' | 'adapter'> & Partial<Pick<HostOptions, 'adapter'>>,
  ): Promise<StoreHost>;
  /** The exports of the file that the command gets. */
  exported(): object;
  drop(): Promise<void>;
}

/** @param server for several databases of a file; without it, each has a server of its own */
export async function createStore(name: StoreName, server?: ClickHouseServer): Promise<StoreDatabase> {
  if (name !== 'clickhouse') return onTypeOrm(await createMigratedDatabase(name));
  if (server) return onClickHouse(server);
  const own = await startClickHouse();
  return { ...(await onClickHouse(own)), drop: () => own.stop() };
}

function onTypeOrm(database: TestDatabase): StoreDatabase {
  return {
    start: async (djaffar = {}, host = {}) => {
      const { app, url, dataSource } = await startHost({
        adapter: 'fastify',
        ...host,
        database,
        djaffar: { statistics: UNHURRIED, ...djaffar },
      });
      return hostOf(app, url, () => dumpOf(dataSource));
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
  const factory = clickHouse({ url: server.url, database, claimPause: 0 });
  const { writer, statistics } = DEFAULTS;
  const store = await factory.create({ writer, statistics, page: (path) => path });
  await store.migrate();
  await store.close();
  return {
    start: async (djaffar = {}, { controllers = [], providers = [], configure } = {}) => {
      @Module({
        imports: [DjaffarModule.forRoot({ statistics: UNHURRIED, ...djaffar, store: factory })],
        controllers,
        providers,
      })
      class HostModule {}

      const app = await NestFactory.create(HostModule, { logger: false, abortOnError: false });
      await configure?.(app);
      await app.listen(0, '127.0.0.1');
      return hostOf(app, await app.getUrl(), () => dumpClickHouse(server, database));
    },
    exported: () => ({ store: factory, page: defaultPage }),
    drop: async () => {},
  };
}

async function dumpClickHouse(server: ClickHouseServer, database: string): Promise<string> {
  const lines: string[] = [];
  for (const table of TABLES)
    for (const row of await server.query(
      `SELECT * FROM ${database}.${table} SETTINGS apply_deleted_mask = 0`,
    ))
      lines.push(`${table} ${JSON.stringify(row)}`);
  return lines.join('\n');
}

function hostOf(app: INestApplication, url: string, dump: StoreHost['dump']): StoreHost {
  const activities = app.get(ActivityService, { strict: false });
  return {
    app,
    activities,
    stats: app.get(ActivityStats, { strict: false }),
    store: app.get<Store>(STORE, { strict: false }),
    url,
    stored: async () => {
      const all: Activity[] = [];
      for await (const activity of activities.stream()) all.push(activity);
      return all;
    },
    post: (body, headers) =>
      fetch(`${url}/djaffar/track/`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', ...headers },
        body: JSON.stringify(body),
      }),
    dump,
    close: () => app.close(),
  };
}
