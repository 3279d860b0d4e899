import { randomUUID } from 'node:crypto';
import {
  type INestApplication,
  Module,
  type ModuleMetadata,
  type NestApplicationOptions,
} from '@nestjs/common';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import { DataSource } from 'typeorm';
import {
  Activity,
  ActivityService,
  djaffarMigrations,
  DjaffarModule,
  type DjaffarOptions,
  type RegistrationOptions,
} from '../../lib/index.js';
import { STORE } from '../../lib/options/settings.js';
import type { TypeOrmStore } from '../../lib/store/typeorm/typeorm.store.js';
import { checkAnswer } from './openapi.js';
import { createMigratedDatabase, type DatabaseName, FOUND, type TestDatabase } from './databases.js';

export type AdapterName = 'express' | 'fastify';

export const ADAPTERS = (process.env.DJAFFAR_TEST_ADAPTERS ?? 'express,fastify').split(',') as AdapterName[];

/**
 * Pairs with every adapter and every database at least once, for `describe.each`. How an adapter handles a request does
 * not depend on the database, so all combinations would find no more errors.
 */
export const PAIRS = FOUND.map((database, i) => ({
  adapter: ADAPTERS[i % ADAPTERS.length] ?? 'express',
  database,
}));

const UNHURRIED = { maxWait: 240_000, timeout: 240_000, statementTimeout: 240_000 };

export interface HostOptions {
  adapter: AdapterName;
  /** The name of a new database, or the database of another host. */
  database?: DatabaseName | TestDatabase;
  /** Imports in addition to TypeORM and Djaffar. */
  imports?: ModuleMetadata['imports'];
  providers?: ModuleMetadata['providers'];
  controllers?: ModuleMetadata['controllers'];
  djaffar?: DjaffarOptions & RegistrationOptions & Pick<ModuleMetadata, 'imports'>;
  /** Replaces `DjaffarModule.forRoot(djaffar)`. */
  djaffarModule?: NonNullable<ModuleMetadata['imports']>[number];
  application?: NestApplicationOptions;
  fastify?: ConstructorParameters<typeof FastifyAdapter>[0];
  /** Called between `create` and `listen`. */
  configure?(app: INestApplication): void | Promise<void>;
}

export interface Host {
  app: INestApplication;
  url: string;
  activities: ActivityService;
  store: TypeOrmStore;
  rollup: TypeOrmStore['rollup'];
  dataSource: DataSource;
  database: TestDatabase;
  post(body: unknown, headers?: Record<string, string>): Promise<Response>;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  /** Returns all stored activities, the oldest first. */
  stored(): Promise<Activity[]>;
  close(): Promise<void>;
}

/** Starts a real host, on a new database unless it gets one. */
export async function startHost(options: HostOptions): Promise<Host> {
  const { adapter, imports = [], providers = [], controllers = [], application } = options;
  const { database: given = 'sqlite' } = options;
  const database = typeof given === 'object' ? given : await createMigratedDatabase(given);
  const drop = async (): Promise<void> => {
    if (database !== given) await database.drop();
  };

  @Module({
    imports: [
      TypeOrmModule.forRoot({
        ...database.options,
        autoLoadEntities: true,
        migrations: [...djaffarMigrations],
        migrationsRun: true,
        retryAttempts: 0,
      }),
      ...imports,
      options.djaffarModule ??
        // Generous limits, so that a busy machine causes no older results and no time-outs.
        DjaffarModule.forRoot({ statistics: UNHURRIED, ...options.djaffar }),
    ],
    providers,
    controllers,
  })
  class HostModule {}

  const server = adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter(options.fastify);
  try {
    const app = await NestFactory.create(HostModule, server, {
      logger: false,
      abortOnError: false,
      ...application,
    });
    await options.configure?.(app);
    // Otherwise a failed start would keep connections open, and the tests would not end.
    await app.listen(0, '127.0.0.1').catch(async (error: unknown) => {
      await app.close();
      throw error;
    });
    const url = (await app.getUrl()).replace('[::1]', '127.0.0.1');
    const dataSource = app.get(DataSource);
    const store: TypeOrmStore = app.get(STORE, { strict: false });
    // Code of the host may change the answers.
    const isPlain = !options.configure && !options.djaffarModule && providers.length === 0;
    const fetchPath: Host['fetch'] = async (path, init) => {
      const response = await fetch(url + path, { redirect: 'manual', ...init });
      const isOn = path.includes('/track') || path.includes('/dashboard/') || options.djaffar?.api;
      // Errors of the host's own functions are not Djaffar's.
      const isOwn =
        response.status === 500 && ['guards', 'user'].some((name) => name in (options.djaffar ?? {}));
      if (isPlain && isOn && !isOwn) await checkAnswer(init?.method ?? 'GET', url + path, response);
      return response;
    };
    return {
      app,
      url,
      activities: app.get(ActivityService, { strict: false }),
      store,
      rollup: store.rollup,
      dataSource,
      database,
      fetch: fetchPath,
      post: (body, headers) =>
        fetchPath('/djaffar/track/', {
          method: 'POST',
          headers: { 'Content-Type': 'application/json', ...headers },
          body: typeof body === 'string' ? body : JSON.stringify(body),
        }),
      stored: () =>
        dataSource
          .getRepository(Activity)
          .find({ order: { date: 'ASC', id: 'ASC' }, relations: { session: true } }),
      close: async () => {
        await app.close();
        await drop();
      },
    };
  } catch (error) {
    await drop();
    throw error;
  }
}

/** Options of a host that trusts a proxy. */
export function behindProxy(adapter: AdapterName): Pick<HostOptions, 'configure' | 'fastify'> {
  if (adapter === 'fastify') return { fastify: { trustProxy: true } };
  return { configure: (app) => void (app as NestExpressApplication).set('trust proxy', true) };
}

/** Tracks an activity, and returns the status of the answer and the stored user name. */
export async function trackOnce(
  host: Host,
  headers: Record<string, string> = {},
  path = '/djaffar/track/',
): Promise<{ status: number; user?: string | null }> {
  const id = randomUUID();
  const { status } = await host.fetch(path, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ id, date: '2026-02-03T04:05:06.789Z', path: '/' }),
  });
  const stored = await host.dataSource.getRepository(Activity).findOneBy({ id });
  return stored ? { status, user: stored.userName } : { status };
}

/** Returns the cookies of an answer as a request header. */
export function cookieOf(response: Response): string {
  return response.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';', 1)[0])
    .join('; ');
}
