import type { StoreFactory } from '../../options/store.options.js';
import { checkIsBuilt, type ClickHouseOptions, toClickHouseSettings } from './clickhouse.options.js';
import { ClickHouseStore } from './clickhouse.store.js';

export type { ClickHouseOptions } from './clickhouse.options.js';

/**
 * Stores activities in ClickHouse: for the option `store`, and for the export `store` of the file that the command
 * `djaffar` is given. It needs the package `@clickhouse/client`. `djaffar migrate` creates the tables.
 *
 * @example
 * ```ts
 * import { DjaffarModule } from 'nestjs-djaffar';
 * import { clickHouse } from 'nestjs-djaffar/clickhouse';
 *
 * DjaffarModule.forRoot({ store: clickHouse({ url: 'http://localhost:8123', database: 'app' }) });
 * ```
 * @throws Error that names a wrong option
 */
export function clickHouse(options: ClickHouseOptions = {}): StoreFactory {
  const settings = toClickHouseSettings(options);
  return {
    create: (store) => {
      checkIsBuilt(store);
      return new ClickHouseStore(settings, store);
    },
  };
}
