import { rmSync } from 'node:fs';
import pg from 'pg';

/** Runs once after all tests. */
export default async function tearDown() {
  const memory = process.env.DJAFFAR_TEST_MEMORY;
  if (memory !== undefined) {
    rmSync(memory, { recursive: true, force: true });
    // With --watch and for mutants, the next run in this process makes a folder of its own.
    delete process.env.TMPDIR;
    delete process.env.DJAFFAR_TEST_MEMORY;
  }
  if (!process.env.DJAFFAR_TEST_DATABASES.split(',').includes('postgres')) return;
  const client = new pg.Client(process.env.TEST_POSTGRES_URL);
  await client.connect();
  await client.query(`DROP DATABASE IF EXISTS ${process.env.DJAFFAR_TEST_TEMPLATE} WITH (FORCE)`);
  await client.end();
}
