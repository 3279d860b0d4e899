import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
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

const BROWSERS = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

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

/** Returns the path of the browser, or an empty string. */
export function findBrowser() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  const paths = BROWSERS.flatMap((name) => folders.map((folder) => join(folder, name)));
  const found = process.env.TEST_BROWSER ?? paths.find(isExecutable) ?? '';
  if (!found) skip('in a browser', `there is none of ${BROWSERS.join(', ')}`);
  return found;
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
