import { DataSource } from 'typeorm';
import { djaffarEntities, djaffarMigrations } from './lib/index.js';
import { databaseOptions } from './sample/database.js';

export { defaultPage as page } from './lib/index.js';

/** For TypeORM's own command line: the database of `DATABASE_URL`, or the embedded one. */
export default new DataSource({
  ...databaseOptions(process.env.DATABASE_URL),
  entities: djaffarEntities,
  migrations: djaffarMigrations,
});
