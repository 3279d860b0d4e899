import libsql from 'libsql';
import { djaffarEntities, djaffarMigrations } from 'nestjs-djaffar';
import { DataSource } from 'typeorm';

// For TypeORM's own command line.
export default new DataSource({
  type: 'better-sqlite3',
  driver: libsql,
  database: 'command-line.sqlite',
  entities: djaffarEntities,
  migrations: djaffarMigrations,
});
