import { setTimeout as wait } from 'node:timers/promises';
import { type DataSource, Migration, MigrationExecutor } from 'typeorm';
import { djaffarMigrations } from './index.js';

/** How often it is tried if other instances create the same tables at the same moment, and the milliseconds between two tries. */
const MAX_TRIES = 20;
const PAUSE = 250;

/**
 * Runs the migrations of Djaffar that have not run yet, if the host lets TypeORM create its tables (`synchronize`), which leaves
 * ours alone. They count as run, so that the host can change to migrations.
 */
export async function synchronizeTables(dataSource: DataSource): Promise<void> {
  if (dataSource.options.synchronize) await createTables(dataSource);
}

/** Runs the migrations of Djaffar that have not run yet. */
export async function createTables(dataSource: DataSource): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await runMissing(dataSource);
    } catch (error) {
      // Another instance may be migrating; its finished migrations are skipped. Any other failure recurs and is thrown in the end.
      if (tries === MAX_TRIES) throw error;
      await wait(PAUSE);
    }
  }
}

async function runMissing(dataSource: DataSource): Promise<void> {
  const executor = new MigrationExecutor(dataSource);
  const executed = new Set((await executor.getExecutedMigrations()).map(({ name }) => name));
  for (const Class of djaffarMigrations) {
    const instance = new Class();
    const { name } = instance;
    if (executed.has(name)) continue;
    const timestamp = Number(/\d+$/.exec(name)?.[0]);
    await executor.executeMigration(new Migration(undefined, timestamp, name, instance));
  }
}
