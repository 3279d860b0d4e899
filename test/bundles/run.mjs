// Makes one program of a host with each bundler, moves it to a folder without node_modules, and has it do the whole job.
// Needs dist/ (`npm run build`) and PostgreSQL, whose driver can be bundled.
import { randomBytes } from 'node:crypto';
import { copyFileSync, cpSync, mkdtempSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { check, install, run, start } from '../packed/process.mjs';
import { doWholeJob } from '../packed/whole-job.mjs';
import { findDatabases } from '../support/setup/servers.mjs';
import { HOSTS } from './bundlers.mjs';

const here = import.meta.dirname;
const folder = mkdtempSync(join(tmpdir(), 'djaffar-bundles-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
/** For whoever works on one of them: `npm run test:bundles -- ncc`. */
const only = new RegExp(process.argv[2] ?? '');
/** As many are bundled at once. */
const AT_ONCE = 2;

async function withDatabase(work) {
  const url = new URL(process.env.TEST_POSTGRES_URL);
  const client = new pg.Client(url.href);
  await client.connect();
  const name = `djaffar_bundle_${randomBytes(6).toString('hex')}`;
  await client.query(`CREATE DATABASE ${name}`);
  try {
    url.pathname = name;
    await work(url.href);
  } finally {
    await client.query(`DROP DATABASE ${name} WITH (FORCE)`);
    await client.end();
  }
}

async function checkBundle(host, { name, out, file, commands }) {
  await check(`${name}: one program does the whole job`, async () => {
    for (const [command, ...args] of commands)
      await run(host, join(host, 'node_modules/.bin', command), args);
    const moved = join(folder, `moved-${out}`);
    renameSync(join(host, out), moved);
    console.log(`        ${name}: ${(statSync(join(moved, file)).size / 2 ** 20).toFixed(1)} MiB`);
    await withDatabase(async (url) => {
      const program = await start(moved, process.execPath, [file], { DATABASE_URL: url, DRIVER: 'pg' });
      await doWholeJob(program.url, { hasPassport: false })
        .catch((error) => {
          throw new Error(program.said(), { cause: error });
        })
        .finally(program.stop);
    });
  });
}

async function makeHost(host, tarball, packages) {
  cpSync(join(here, 'host'), host, { recursive: true });
  for (const file of ['app.cjs', 'database.cjs'])
    copyFileSync(join(here, '../packed/host', file), join(host, file));
  // Nest CLI compiles TypeScript.
  copyFileSync(join(host, 'main.mjs'), join(host, 'main.ts'));
  writeFileSync(join(host, 'package.json'), JSON.stringify({ private: true }));
  await install(host, [tarball, ...packages]);
}

await findDatabases();
const root = join(here, '../..');
const packed = await run(root, 'npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder]);
const tarball = join(folder, JSON.parse(packed)[0].filename);
const waiting = [];
for (const { host, packages, bundlers } of HOSTS) {
  const chosen = bundlers.filter(({ name }) => only.test(name));
  const at = join(folder, host);
  if (chosen.length === 0) continue;
  if (
    await check(`${host}: the packed package and the bundlers install`, () => makeHost(at, tarball, packages))
  )
    waiting.push(...chosen.map((bundler) => () => checkBundle(at, bundler)));
}
const next = async () => {
  for (let work = waiting.shift(); work; work = waiting.shift()) await work();
};
await Promise.all(Array.from({ length: AT_ONCE }, next));
