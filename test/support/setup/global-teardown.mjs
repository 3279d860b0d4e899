import pg from 'pg';

/** Runs once after all tests. */
export default async function tearDown() {
  if (!process.env.DJAFFAR_TEST_DATABASES.split(',').includes('postgres')) return;
  const client = new pg.Client(process.env.TEST_POSTGRES_URL);
  await client.connect();
  await client.query(`DROP DATABASE IF EXISTS ${process.env.DJAFFAR_TEST_TEMPLATE} WITH (FORCE)`);
  await client.end();
}
