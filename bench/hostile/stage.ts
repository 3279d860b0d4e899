import { DataSource } from 'typeorm';
import { ActivityStats, djaffarEntities, djaffarMigrations } from '../../lib/index.js';
import { ActivityWriter } from '../../lib/activity/activity.writer.js';
import { connectionsOf } from '../../lib/database/connections.js';
import { DEFAULTS } from '../../lib/options/settings.js';
import { RollupService } from '../../lib/store/typeorm/statistics/rollup/rollup.service.js';
import { createDatabase, type DatabaseName } from '../../test/support/databases.js';

/** What a host has, without HTTP. */
export interface Instance {
  dataSource: DataSource;
  writer: ActivityWriter;
  rollup: RollupService;
  stats: ActivityStats;
}

export interface Stage {
  instances: Instance[];
  close(): Promise<void>;
}

/** So many instances on one new database. */
export async function openStage(name: DatabaseName, count = 1): Promise<Stage> {
  const database = await createDatabase(name);
  const instances: Instance[] = [];
  for (let i = 0; i < count; i++) {
    const dataSource = new DataSource({
      ...database.options,
      entities: djaffarEntities,
      migrations: djaffarMigrations,
    });
    await dataSource.initialize();
    await dataSource.runMigrations();
    const { concurrency: writers } = DEFAULTS.writer;
    connectionsOf(dataSource).limit({ writers, ...DEFAULTS.statistics });
    const writer = new ActivityWriter(dataSource, DEFAULTS.writer);
    const rollup = new RollupService(dataSource, () => writer.changes, DEFAULTS.statistics);
    rollup.onApplicationBootstrap();
    instances.push({ dataSource, writer, rollup, stats: new ActivityStats(dataSource, rollup) });
  }
  return {
    instances,
    close: async () => {
      for (const { dataSource, rollup } of instances) {
        await rollup.beforeApplicationShutdown();
        await connectionsOf(dataSource).close();
        await dataSource.destroy();
      }
      await database.drop();
    },
  };
}
