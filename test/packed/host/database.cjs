/** The database of `DATABASE_URL`, with the driver that its host has. */
exports.typeOrmOptions = function typeOrmOptions(driver) {
  const url = process.env.DATABASE_URL;
  const [type] = url.split(':');
  if (type !== 'sqlite') return { type, url, driver };
  return {
    type: 'better-sqlite3',
    database: url.slice('sqlite:'.length),
    // TypeORM 0.3.20 calls it without `new`.
    driver: function Database(...args) {
      return new driver(...args);
    },
  };
};
