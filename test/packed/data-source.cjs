const { DataSource } = require('typeorm');
const { djaffarEntities, djaffarMigrations } = require('nestjs-djaffar');

// For TypeORM's own command line.
module.exports = new DataSource({
  type: 'better-sqlite3',
  driver: require('libsql'),
  database: 'command-line.sqlite',
  entities: djaffarEntities,
  migrations: djaffarMigrations,
});
