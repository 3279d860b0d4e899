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

/** @returns where the browser is, or nothing */
function findBrowser() {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return BROWSERS.flatMap((name) => folders.map((folder) => join(folder, name))).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function leaveOut(what, why, cause) {
  if (process.env.CI) throw new Error(why, { cause });
  process.stderr.write(`\n*** LEFT OUT: all tests ${what}: ${why}\n`);
}

/** Finds the database servers and the browser, and says loudly what the tests leave out; in CI that may be nothing. */
export default async function setup() {
  const found = ['sqlite'];
  for (const [name, probe] of Object.entries(probes)) {
    try {
      await probe();
      found.push(name);
    } catch (error) {
      const url = process.env[`TEST_${name.toUpperCase()}_URL`];
      leaveOut(`against ${name}`, `${name} does not answer at ${url}: ${String(error)}`, error);
    }
  }
  process.env.DJAFFAR_TEST_DATABASES = found.join(',');
  process.env.TEST_BROWSER ??= findBrowser() ?? '';
  if (!process.env.TEST_BROWSER) leaveOut('in a browser', `there is none of ${BROWSERS.join(', ')}`);
}
