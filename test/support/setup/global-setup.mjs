import { cacheFolder } from './cache.mjs';
import { findBrowser, findDatabases } from './servers.mjs';

/** Runs once before all tests, and passes what they need to know in the environment. */
export default async function setUp() {
  process.env.TEST_BROWSER = findBrowser();
  // Tests on ClickHouse start the engine themselves.
  const engines = process.env.DJAFFAR_TEST_DATABASES ? [] : ['clickhouse'];
  process.env.DJAFFAR_TEST_DATABASES = [...(await findDatabases()), ...engines].join(',');
  process.env.DJAFFAR_TEST_CACHE = await cacheFolder();
}
