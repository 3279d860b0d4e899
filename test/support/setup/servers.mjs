import { accessSync, constants } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
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

/** Chromium that has no windows takes a third of the time. */
const SHELLS = ['chromium-headless-shell', 'chrome-headless-shell'];
/** Only these have a back/forward cache. */
const WHOLE_BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Reports tests that cannot run here. In CI that is an error. */
function skip(what, why, cause) {
  if (process.env.CI) throw new Error(why, { cause });
  process.stderr.write(`\n*** SKIPPED: all tests ${what}: ${why}\n`);
}

/** Returns the names of the databases that the tests can use: those of DJAFFAR_TEST_DATABASES, or all. */
export async function findDatabases() {
  const wanted = (process.env.DJAFFAR_TEST_DATABASES ?? 'sqlite,postgres,mariadb').split(',');
  const found = [];
  for (const name of wanted) {
    try {
      await probes[name]?.();
      found.push(name);
    } catch (error) {
      const url = process.env[`TEST_${name.toUpperCase()}_URL`];
      skip(`against ${name}`, `${name} does not answer at ${url}: ${String(error)}`, error);
    }
  }
  return found;
}

/** Returns the path of the browser, and of one that has a back/forward cache; each is an empty string if there is none. */
export function findBrowsers() {
  const { TEST_BROWSER, TEST_WHOLE_BROWSER } = process.env;
  const isShell = SHELLS.includes(basename(TEST_BROWSER ?? ''));
  const wholeBrowser =
    TEST_WHOLE_BROWSER ?? (isShell ? undefined : TEST_BROWSER) ?? findProgram(WHOLE_BROWSERS) ?? '';
  const browser = TEST_BROWSER ?? findProgram(SHELLS) ?? wholeBrowser;
  if (!wholeBrowser)
    skip(
      browser ? 'of the back/forward cache' : 'in a browser',
      `there is none of ${WHOLE_BROWSERS.join(', ')}`,
    );
  return { browser, wholeBrowser };
}

function findProgram(names) {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return names.flatMap((name) => folders.map((folder) => join(folder, name))).find(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
