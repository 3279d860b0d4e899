import { compile } from './compile.mjs';
import { findBrowser, findDatabases } from './servers.mjs';
import { createTemplates } from './templates.mjs';

/** Runs once before all tests, and passes what they need to know in the environment. */
export default async function setUp() {
  process.env.TEST_BROWSER = findBrowser();
  const found = await findDatabases();
  process.env.DJAFFAR_TEST_DATABASES = found.join(',');
  const build = await compile();
  process.env.DJAFFAR_TEST_BUILD = build;
  const { sqlite, postgres } = await createTemplates(build, found);
  process.env.DJAFFAR_TEST_SQLITE_TEMPLATE = sqlite;
  if (postgres) process.env.DJAFFAR_TEST_POSTGRES_TEMPLATE = postgres;
}
