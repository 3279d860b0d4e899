import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { DataSource } from 'typeorm';
import { defaultPage, PageResolver } from '../activity/page.js';
import type { RetentionPolicy } from '../options/privacy.options.js';
import type { PageOption, StoreFactory } from '../options/store.options.js';
import { DEFAULTS } from '../options/settings.js';
import { toRetention } from '../options/validation.js';
import { checkNames } from '../database/table.js';
import { djaffarEntities } from '../entities.js';
import type { Store } from '../store/store.js';
import { TypeOrmStore } from '../store/typeorm/typeorm.store.js';

const TYPESCRIPT = /\.[cm]?ts$/;

export type ImportModule = (url: string) => Promise<unknown>;

/** The data source file of the option `-d`. */
export interface DataSourceFile {
  name: string;
  open(): Promise<OpenStore>;
}

export interface OpenStore {
  store: Store;
  /** The option `page` of the host. */
  page: PageOption | undefined;
  /** The option `retention` of the host. */
  retention: RetentionPolicy | undefined;
  /** Closes the connection to the database. */
  close: () => Promise<void>;
}

/** The exports of a data source file. */
interface Exported {
  /** The option `store` of the host. */
  store: StoreFactory | undefined;
  dataSources: DataSource[];
  page: PageOption | undefined;
  retention: RetentionPolicy | undefined;
}

/** Commands wait until the statistics are up to date; nothing runs in the background. */
const STATISTICS = { ...DEFAULTS.statistics, maxWait: Number.POSITIVE_INFINITY, background: false };

/**
 * Opens the store that a file exports as `store`, or connects to the data source that it exports, as TypeORM's own command
 * does.
 * @throws Error that names the file and the error
 */
export async function openDataSource(file: string, importModule: ImportModule): Promise<OpenStore> {
  const { store: factory, dataSources, page, retention } = await exportedBy(file, importModule);
  if (factory) {
    const settings = { writer: DEFAULTS.writer, statistics: STATISTICS, page: page ?? defaultPage };
    return { store: await factory.create(settings), page, retention, close: async () => {} };
  }
  const [dataSource, another] = dataSources;
  if (!dataSource) throw new Error(`${file} exports no DataSource of TypeORM`);
  if (another) throw new Error(`${file} exports more than one DataSource of TypeORM`);
  if (isWithoutUrl(dataSource))
    throw new Error(
      `the "url" of the data source in ${file} is undefined: is an environment variable missing?`,
    );
  // Overrides settings for the start of the host, because this command must not change the schema.
  dataSource.setOptions({
    subscribers: [],
    synchronize: false,
    migrationsRun: false,
    dropSchema: false,
    logging: [],
  });
  if (!dataSource.isInitialized) await dataSource.initialize();
  if (!djaffarEntities.every((entity) => dataSource.hasMetadata(entity))) {
    await dataSource.destroy();
    throw new Error(`the data source of ${file} has no djaffarEntities: add them to its entities`);
  }
  try {
    checkNames(dataSource, djaffarEntities);
    const store = new TypeOrmStore(dataSource, { pages: new PageResolver(page) });
    return { store, page, retention, close: () => dataSource.destroy() };
  } catch (error) {
    await dataSource.destroy();
    throw error;
  }
}

/** Drivers would then connect to a default server. */
function isWithoutUrl({ options }: DataSource): boolean {
  const isElsewhere = ['host', 'socketPath', 'replication', 'extra'].some((name) => name in options);
  return (
    'url' in options &&
    options.url === undefined &&
    options.database === undefined &&
    !isElsewhere &&
    // The driver of PostgreSQL reads it.
    process.env.PGHOST === undefined
  );
}

async function exportedBy(file: string, importModule: ImportModule): Promise<Exported> {
  let exported: unknown;
  try {
    exported = await load(resolve(file), importModule);
  } catch (error) {
    const remedy = TYPESCRIPT.test(file) && isOfSyntax(error) ? typescriptRemedy(file) : '';
    throw new Error(`${file} cannot be loaded${remedy}`, { cause: error });
  }
  const found = new Set<DataSource>();
  for (const value of await listExports(exported)) if (isDataSource(value)) found.add(value);
  const page = findExport(exported, 'page');
  if (page !== undefined && !isPageOption(page))
    throw new Error(
      `${file} exports a "page" that is not a function: it must be the option "page" of the app`,
    );
  const retention = findExport(exported, 'retention');
  const store = findExport(exported, 'store');
  return {
    store: isStoreFactory(store) ? store : undefined,
    dataSources: [...found],
    page,
    retention: retention === undefined ? undefined : toRetention(retention, file),
  };
}

function typescriptRemedy(file: string): string {
  const compiled = file.replace(/^(\.\/)?src\//, 'dist/').replace(/ts$/, 'js');
  return (
    ` without a loader for TypeScript: give the compiled file, such as -d ${compiled}, or run ` +
    '`node --import tsx node_modules/.bin/djaffar …` or `ts-node ./node_modules/.bin/djaffar …`'
  );
}

function findExport(exported: unknown, name: string): unknown {
  if (typeof exported !== 'object' || exported === null) return undefined;
  const inner = Reflect.get(exported, 'default');
  return Reflect.get(exported, name) ?? (inner === exported ? undefined : findExport(inner, name));
}

function isStoreFactory(value: unknown): value is StoreFactory {
  return (
    typeof value === 'object' && value !== null && 'create' in value && typeof value.create === 'function'
  );
}

function isPageOption(value: unknown): value is PageOption {
  return typeof value === 'function';
}

async function load(path: string, importModule: ImportModule): Promise<unknown> {
  try {
    return await importModule(pathToFileURL(path).href);
  } catch (error) {
    // A loader only for `require`, such as ts-node's, may support the extension.
    if (readCode(error) !== 'ERR_UNKNOWN_FILE_EXTENSION') throw error;
    return createRequire(path)(path);
  }
}

/** Whether Node cannot run the file because it is TypeScript; the error depends on Node's version. */
function isOfSyntax(error: unknown): boolean {
  const code = String(readCode(error));
  return (
    error instanceof SyntaxError ||
    /^ERR_(UNKNOWN_FILE|UNSUPPORTED_TYPESCRIPT|MODULE_NOT_FOUND|REQUIRE|INTERNAL)/.test(code)
  );
}

/** Returns all exports. The exports of CommonJS are the default export, which may have a default export itself. */
async function listExports(exported: unknown): Promise<unknown[]> {
  if (typeof exported !== 'object' || exported === null) return [];
  const values = await Promise.all(Object.values(exported));
  const inner = Reflect.get(exported, 'default');
  return isDataSource(inner) || inner === exported ? values : [...values, ...(await listExports(inner))];
}

/** Uses TypeORM's own marker, which is the same in any copy of TypeORM. */
function isDataSource(value: unknown): value is DataSource {
  return (
    typeof value === 'object' &&
    value !== null &&
    Reflect.get(value, '@instanceof') === Symbol.for('DataSource')
  );
}

function readCode(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
