import { randomBytes } from 'node:crypto';
import { cacheFolder } from './cache.mjs';
import { findBrowser, findDatabases } from './servers.mjs';

/** Runs once before all tests, and passes what they need to know in the environment. */
export default async function setUp() {
  process.env.TEST_BROWSER = findBrowser();
  // Tests on ClickHouse start the engine themselves.
  const engines = process.env.DJAFFAR_TEST_DATABASES ? [] : ['clickhouse'];
  process.env.DJAFFAR_TEST_DATABASES = [...(await findDatabases()), ...engines].join(',');
  process.env.DJAFFAR_TEST_TEMPLATE = `djaffar_test_template_${randomBytes(6).toString('hex')}`;
  process.env.DJAFFAR_TEST_CACHE = await cacheFolder();
}
