import type { FactoryProvider } from '@nestjs/common';
import { getDataSourceToken, handleRetry } from '@nestjs/typeorm';
import { defer, lastValueFrom } from 'rxjs';
import type { DataSource } from 'typeorm';
import { defaultPage, PageResolver } from '../activity/page.js';
import { connectionsOf } from '../database/connections.js';
import { classifyFailure } from '../database/driver.js';
import { limitsFor } from '../database/pool-shares.js';
import { checkNames } from '../database/table.js';
import { djaffarEntities } from '../entities.js';
import { createTables, synchronizeTables } from '../migrations/synchronize.js';
import { type Settings, SETTINGS, STORE } from '../options/settings.js';
import type { DatabaseOptions, StoreSettings } from '../options/store.options.js';
import { subscriptionsOf } from '../subscriptions/subscription.js';
import type { Store } from '../store/store.js';
import { TypeOrmStore, type TypeOrmStoreSettings } from '../store/typeorm/typeorm.store.js';
import { createDataSource } from './own-data-source.js';

/**
 * Opens the store of the option `store`; without it, one in the host's data source.
 * @param name of the data source
 */
export function storeProvider(name: string | undefined): FactoryProvider<Store> {
  return {
    provide: STORE,
    inject: [SETTINGS, { token: getDataSourceToken(name), optional: true }],
    useFactory: (settings: Settings, dataSource: DataSource | undefined) => {
      if (settings.store) return settings.store.create(storeSettings(settings));
      if (settings.database) return openOwnStore(settings, settings.database);
      if (!dataSource) throw new Error(missingDataSource(name));
      return openTypeOrmStore(dataSource, settings);
    },
  };
}

function storeSettings(settings: Settings): StoreSettings {
  return {
    writer: settings.writer,
    statistics: settings.statistics,
    page: settings.page ?? defaultPage,
    retention: settings.retention,
  };
}

/** Closes its database when the application ends. */
class OwnStore extends TypeOrmStore {
  override async close(): Promise<void> {
    await super.close();
    // An application may be closed twice.
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }
}

async function openOwnStore(settings: Settings, database: DatabaseOptions): Promise<Store> {
  const dataSource = await connect(database);
  try {
    await createTables(dataSource);
    return new OwnStore(dataSource, limitConnections(dataSource, settings));
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
}

/** Tries again for 27 seconds, as `TypeOrmModule` does, if the database cannot be reached: it may be starting at the same time. */
function connect(database: DatabaseOptions): Promise<DataSource> {
  const isUnreachable = (error: unknown): boolean =>
    classifyFailure(createDataSource(database), error)?.incident === 'connection';
  return lastValueFrom(
    defer(() => createDataSource(database).initialize()).pipe(
      handleRetry(10, 3000, 'djaffar', true, isUnreachable),
    ),
  );
}

async function openTypeOrmStore(source: DataSource, settings: Settings): Promise<Store> {
  checkNames(source, djaffarEntities);
  await synchronizeTables(source);
  return new TypeOrmStore(source, limitConnections(source, settings));
}

/** Djaffar takes no more connections than the pool has. */
function limitConnections(
  source: DataSource,
  settings: Pick<Settings, 'writer' | 'statistics' | 'page' | 'subscriptions' | 'webhooks'>,
): TypeOrmStoreSettings {
  const { writer, statistics, page } = settings;
  if (statistics.replica && source.options.type !== 'postgres') throw new Error(noStandbys(source));
  const limits = limitsFor(source, { writer: writer.concurrency, statistics: statistics.concurrency });
  connectionsOf(source).limit({
    writers: limits.writer,
    concurrency: limits.statistics,
    timeout: statistics.timeout,
    statementTimeout: statistics.statementTimeout,
  });
  return {
    statistics,
    replica: statistics.replica,
    pages: new PageResolver(page),
    writers: limits.writer,
    subscriptions: subscriptionsOf(settings),
  };
}

function noStandbys({ options }: DataSource): string {
  return `DjaffarModule: the option "statistics.replica" is true, which only PostgreSQL supports, and the data source is ${options.type}`;
}

function missingDataSource(name: string | undefined): string {
  if (name === undefined)
    return 'DjaffarModule: there is no data source: import TypeOrmModule.forRoot(…), or name the one that you have by the option "dataSource"';
  return (
    `DjaffarModule: the option "dataSource" is '${name}', but there is no data source of that name: ` +
    `import TypeOrmModule.forRoot({ name: '${name}', … }), or give the name of one that you import`
  );
}
