import { djaffarEntities, djaffarMigrations } from 'nestjs-djaffar';
import { DataSource } from 'typeorm';
import { typeOrmOptions } from './database.cjs';

// For the command lines, TypeORM's and ours.
const { default: driver } = await import(process.env.DRIVER);
export default new DataSource({
  ...typeOrmOptions(driver),
  entities: djaffarEntities,
  migrations: djaffarMigrations,
});
