const { DataSource } = require('typeorm');
const { djaffarEntities, djaffarMigrations } = require('nestjs-djaffar');
const { typeOrmOptions } = require('./database.cjs');

// For the command lines, TypeORM's and ours.
module.exports = new DataSource({
  ...typeOrmOptions(require(process.env.DRIVER)),
  entities: djaffarEntities,
  migrations: djaffarMigrations,
});
