import { createRequire } from 'node:module';
import { basename, join } from 'node:path';
import type { DataSource } from 'typeorm';
import type { Openable } from './readers.js';

/** The common interface of better-sqlite3 and libsql. */
interface Connection {
  prepare(sql: string): { all(): Record<string, unknown>[] };
}

/** Settings of the host's connection that change the speed of reading. */
const COPIED_PRAGMAS = ['cache_size', 'mmap_size', 'temp_store'];

/** How to open the database file of a data source in another process. */
export async function findSqliteFile(dataSource: DataSource): Promise<Openable> {
  // TypeORM has both on the driver, without a type.
  const connection: Connection = Reflect.get(dataSource.driver, 'databaseConnection');
  const driver: unknown = Reflect.get(dataSource.driver, 'sqlite');
  const pragma = (name: string): Record<string, unknown>[] => connection.prepare(`PRAGMA ${name}`).all();
  const value = (name: string): string => String(Object.values(pragma(name)[0] ?? {})[0]);

  const file = pragma('database_list').find(({ name }) => name === 'main')?.['file'];
  if (typeof file !== 'string' || file === '') return { obstacle: 'the database is not in a file' };
  if (value('journal_mode') !== 'wal')
    return { obstacle: 'set enableWAL: true in the data source, so that a reader does not stop who writes' };
  // An Electron app or a single executable would start itself again.
  if (!/^node/i.test(basename(process.execPath)) || process.versions['electron'])
    return { obstacle: `${basename(process.execPath)} is not Node.js` };
  const module = findModuleFile(driver);
  if (module === undefined)
    return { obstacle: "leave the driver's package out of the bundle, so that Node.js loads it by itself" };
  const option = (name: string): string | undefined => {
    const given: unknown = Reflect.get(dataSource.options, name);
    return typeof given === 'string' ? given : undefined;
  };
  return {
    options: {
      module,
      file,
      nativeBinding: option('nativeBinding'),
      key: option('key'),
      pragmas: [
        'query_only = ON',
        'busy_timeout = 5000',
        ...COPIED_PRAGMAS.map((name) => `${name} = ${value(name)}`),
      ],
    },
  };
}

/** The file name of the module that exports the driver. */
function findModuleFile(driver: unknown): string | undefined {
  const { cache } = createRequire(join(process.cwd(), 'index.js'));
  for (const [file, module] of Object.entries(cache)) {
    const exported: unknown = module?.exports;
    if (exported === driver || readDefaultExport(exported) === driver) return file;
  }
  return undefined;
}

/** Does not call getters, because those of some modules load much. */
function readDefaultExport(exported: unknown): unknown {
  const isObject = typeof exported === 'object' && exported !== null;
  return isObject ? Object.getOwnPropertyDescriptor(exported, 'default')?.value : undefined;
}
