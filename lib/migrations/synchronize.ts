import { type DataSource, Migration, MigrationExecutor } from 'typeorm';
import { djaffarMigrations } from './index.js';

/**
 * Runs the migrations of Djaffar that have not run yet, if the host lets TypeORM create its tables (`synchronize`), which leaves
 * ours alone. They count as run, so that the host can change to migrations.
 */
export async function synchronizeTables(dataSource: DataSource): Promise<void> {
  if (!dataSource.options.synchronize) return;
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
