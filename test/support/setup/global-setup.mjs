import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdtempSync, rmSync, statfsSync } from 'node:fs';
import { cacheFolder } from './cache.mjs';
import { findBrowsers, findDatabases } from './servers.mjs';

const MEMORY = '/dev/shm';
/** Bytes that must be free there. */
const ROOM = 2 ** 31;

/** Runs once before all tests, and passes what they need to know in the environment. */
export default async function setUp() {
  const { browser, wholeBrowser } = findBrowsers();
  process.env.TEST_BROWSER = browser;
  process.env.TEST_WHOLE_BROWSER = wholeBrowser;
  // Tests on ClickHouse start the engine themselves.
  const engines = process.env.DJAFFAR_TEST_DATABASES ? [] : ['clickhouse'];
  process.env.DJAFFAR_TEST_DATABASES = [...(await findDatabases()), ...engines].join(',');
  process.env.DJAFFAR_TEST_TEMPLATE = `djaffar_test_template_${randomBytes(6).toString('hex')}`;
  process.env.DJAFFAR_TEST_CACHE = await cacheFolder();
  // SQLite waits for the disk at each commit: its files are kept in memory, if there is room.
  if (process.env.TMPDIR === undefined && hasMemory()) {
    const folder = mkdtempSync(`${MEMORY}/djaffar-tests-`);
    // Servers of some tests run as another user.
    chmodSync(folder, 0o755);
    process.env.TMPDIR = process.env.DJAFFAR_TEST_MEMORY = folder;
    // After an interruption nothing is torn down.
    process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  }
}

function hasMemory() {
  if (!existsSync(MEMORY)) return false;
  const { bavail, bsize } = statfsSync(MEMORY);
  return bavail * bsize >= ROOM;
}
