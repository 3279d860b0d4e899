import mysql from 'mysql2/promise';
import pg from 'pg';

process.env.TEST_POSTGRES_URL ??= 'postgres://postgres@127.0.0.1:5432/postgres';
process.env.TEST_MARIADB_URL ??= 'mariadb://root@127.0.0.1:3306/mysql';

const probes = {
  async postgres() {
    const client = new pg.Client(process.env.TEST_POSTGRES_URL);
    await client.connect();
    await client.end();
  },
  async mariadb() {
    const connection = await mysql.createConnection(
      process.env.TEST_MARIADB_URL.replace('mariadb:', 'mysql:'),
    );
    await connection.end();
  },
};

/** Finds the database servers, and says loudly which of them the tests leave out; in CI none may be. */
export default async function setup() {
  const found = ['sqlite'];
  for (const [name, probe] of Object.entries(probes)) {
    try {
      await probe();
      found.push(name);
    } catch (error) {
      const message = `${name} does not answer at ${process.env[`TEST_${name.toUpperCase()}_URL`]}: ${String(error)}`;
      if (process.env.CI) throw new Error(message, { cause: error });
      process.stderr.write(`\n*** LEFT OUT: all tests against ${name}: ${message}\n`);
    }
  }
  process.env.DJAFFAR_TEST_DATABASES = found.join(',');
}
