import { DataSource } from 'typeorm';
import { djaffarEntities, djaffarMigrations } from '../lib/index.js';
import { RollupService } from '../lib/store/typeorm/statistics/rollup/rollup.service.js';
import { databaseOptions } from '../sample/database.js';
import { createDatabase } from '../test/support/databases.js';
import { fill } from './fill.js';

export interface FilledDatabase {
  url: string;
  dataSource: DataSource;
  /** The service that updates its statistics. */
  rollup: RollupService;
  activities: number;
  close: () => Promise<void>;
}

/**
 * @param filled the URL of a filled database, which is kept; otherwise one is created with so many rows
 */
export async function filledDatabase(filled: string | undefined, rows: number): Promise<FilledDatabase> {
  const database = filled === undefined ? await createDatabase('postgres') : undefined;
  const url = database?.url ?? filled ?? '';
  const dataSource = new DataSource({
    ...databaseOptions(url),
    entities: djaffarEntities,
    migrations: djaffarMigrations,
  });
  await dataSource.initialize();
  await dataSource.runMigrations();
  if (database) {
    process.stderr.write(`filling with ${rows} activities\n`);
    await fill(url, rows);
  }
  const rollup = new RollupService(dataSource);
  await rollup.drain();
  const [{ count }]: [{ count: string }] = await dataSource.query('SELECT count(*) FROM djaffar_activity');
  return {
    url,
    dataSource,
    rollup,
    activities: Number(count),
    close: async () => {
      await dataSource.destroy();
      await database?.drop();
    },
  };
}
