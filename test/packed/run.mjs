// Packs the package, installs the tarball into hosts outside the repository, and has each of them do the whole job.
// Prints a line for each check, and a table at the end.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mysql from 'mysql2/promise';
import pg from 'pg';
import { findDatabases } from '../support/setup/servers.mjs';
import { COMBINATIONS, NEW_HOSTS, TEST_HOSTS, untested } from './combinations.mjs';
import { checkNestAdd } from './nest-add.mjs';
import { manifest, pack } from './pack.mjs';
import { check, install, run, start } from './process.mjs';
import { doWholeJob } from './whole-job.mjs';

const here = import.meta.dirname;
const root = join(here, '../..');
const folder = mkdtempSync(join(tmpdir(), 'djaffar-packed-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
/** For whoever works on one of them: `npm run test:packed -- 'Nest 12'`. */
const only = new RegExp(process.argv[2] ?? '');
/** As many hosts are checked at once. */
const AT_ONCE = 2;
const TYPESCRIPT = {
  esm: '--module nodenext',
  cjs: '--module nodenext',
  node16: '--module node16',
  node10: '--module commonjs --moduleResolution node10',
};
const DEPRECATED = ['--ignoreDeprecations', '6.0'];
const HOSTS_IN_TYPESCRIPT = ['host.ts', 'typed.ts'];

/** The packages that come with one, as `npm ls` tells it: `name@version`. */
function brought(name, { dependencies = {}, version } = {}, own = Object.keys(dependencies)) {
  return [`${name}@${version}`, ...own.flatMap((each) => brought(each, dependencies[each]))];
}

/** A new database on a server that the tests use, or a file. */
async function withDatabase(kind, host, work) {
  const name = `djaffar_packed_${randomBytes(6).toString('hex')}`;
  if (kind === 'sqlite') return work(`sqlite:${join(host, `${name}.sqlite`)}`);
  const url = new URL(kind === 'postgres' ? process.env.TEST_POSTGRES_URL : process.env.TEST_MARIADB_URL);
  await onServer(kind, url.href, `CREATE DATABASE ${name}`);
  try {
    url.pathname = name;
    return await work(url.href);
  } finally {
    url.pathname = kind === 'postgres' ? 'postgres' : 'mysql';
    await onServer(kind, url.href, `DROP DATABASE ${name}`);
  }
}

async function onServer(kind, url, sql) {
  if (kind === 'postgres') {
    const client = new pg.Client(url);
    await client.connect();
    await client.query(sql);
    await client.end();
  } else {
    const connection = await mysql.createConnection(url.replace('mariadb:', 'mysql:'));
    await connection.query(sql);
    await connection.end();
  }
}

/**
 * The versions of Node, from their npm packages; the one that runs this is the newest of its major version. Only the program is
 * unpacked: an installation of the packages costs twice the time.
 */
async function installNodes(versions) {
  const name = `node-${process.platform}-${process.arch}`;
  const nodes = new Map([[process.versions.node.split('.')[0], process.execPath]]);
  await eachOf(
    versions.filter((version) => !nodes.has(version)),
    async (version) => {
      const at = join(folder, `node-${version}`);
      mkdirSync(at);
      const program = 'package/bin/node';
      const installed = await check(`Node ${version} installs`, async () => {
        const archive = await run(at, 'npm', ['pack', '--silent', '--prefer-offline', `${name}@${version}`]);
        await run(at, 'tar', ['-xzf', archive.trim(), program]);
        rmSync(join(at, archive.trim()));
      });
      if (installed) nodes.set(version, join(at, program));
    },
  );
  return nodes;
}

/** Does the work for some at once. */
async function eachOf(items, work) {
  const waiting = [...items];
  const next = async () => {
    for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, next));
}

async function checkCombination(combination, tarball, nodes) {
  const { name, modules, adapter, database, packages, starts } = combination;
  const host = mkdtempSync(join(folder, 'host-'));
  cpSync(join(here, 'host'), host, { recursive: true });
  writeFileSync(
    join(host, 'package.json'),
    JSON.stringify({ private: true, type: modules === 'esm' ? 'module' : 'commonjs' }),
  );
  const done = [];
  if (
    !(await check(`${name}: npm installs it`, () =>
      install(host, [tarball, ...packages, ...(starts[0].optional ?? [])]),
    ))
  )
    return done;
  if (!starts[0].optional)
    await check(`${name}: no optional peer is needed, and no other is missing`, async () => {
      const listed = JSON.parse(await run(host, 'npm', ['ls', '--all', '--json'])).dependencies[
        'nestjs-djaffar'
      ];
      assert(!existsSync(join(host, 'node_modules/@nestjs/passport')));
      const own = Object.keys(manifest(join(host, 'node_modules/nestjs-djaffar')).dependencies);
      console.log(`        brings ${brought('nestjs-djaffar', listed, own).join(' ')}`);
    });

  const extension = modules === 'esm' ? 'mjs' : 'cjs';
  const DRIVER = { sqlite: 'libsql', postgres: 'pg', mariadb: 'mysql2' }[database];
  let peers = starts[0].optional;
  for (const { node: wanted, optional, command } of starts) {
    const node = nodes.get(wanted);
    if (!node) continue;
    if (optional && optional !== peers) {
      peers = optional;
      if (!(await check(`${name}, ${optional.join(', ')}: npm installs it`, () => install(host, optional))))
        continue;
    }
    const version = (await run(host, node, ['--version'])).trim();
    if (optional?.some((each) => each.startsWith('@clickhouse/client')))
      await check(`${name}: the store on ClickHouse is imported and required`, async () => {
        const create = `.clickHouse({ database: 'app' }).create`;
        await run(host, node, ['-e', `require('nestjs-djaffar/clickhouse')${create}.call`]);
        await run(host, node, [
          '-e',
          `import('nestjs-djaffar/clickhouse').then((found) => found${create}.call)`,
        ]);
      });
    const combined = [`Node ${version}`, ...(optional ?? [])].join(', ');
    await withDatabase(database, host, async (url) => {
      const env = { DATABASE_URL: url, DRIVER, ADAPTER: adapter, OPTIONAL: peers ? 'yes' : '' };
      const isDone = await check(`${name}, ${combined}: does the whole job`, async () => {
        const started = await start(host, node, [`entry.${extension}`], env);
        await doWholeJob(started.url, { hasPassport: peers !== undefined })
          .catch((error) => {
            throw new Error(started.said(), { cause: error });
          })
          .finally(started.stop);
      });
      const isCommanded =
        !command ||
        (await check(`${name}, ${combined}: the command exports, erases, imports, checks`, () =>
          commands(host, node, `data-source.${extension}`, env),
        ));
      done.push(`${combined}: ${isDone && isCommanded ? (command ? 'all' : 'the job') : 'FAILED'}`);
    });
  }
  const env = { DRIVER, ADAPTER: adapter };
  if (database === 'sqlite')
    await withDatabase(database, host, (url) =>
      migrates(name, host, extension, { ...env, DATABASE_URL: url }),
    );
  await check(`${name}: a host in TypeScript compiles`, () => compiles(host, modules, combination.nest));
  return done;
}

/** A host whose tests, in the runner that `nest new` sets up, import the package. */
async function checkTestHost({ name, sources, packages, runner }, tarball) {
  const host = mkdtempSync(join(folder, 'tests-'));
  cpSync(join(here, sources), host, { recursive: true });
  const passed = await check(`${name}: its tests pass`, async () => {
    await install(host, [tarball, ...packages]);
    await run(host, process.execPath, runner);
  });
  return [`Node ${process.version}: ${passed ? 'its tests' : 'FAILED'}`];
}

async function commands(host, node, dataSource, env) {
  const main = join(
    host,
    'node_modules/nestjs-djaffar',
    manifest(join(host, 'node_modules/nestjs-djaffar')).bin.djaffar,
  );
  const djaffar = (...args) => run(host, node, [main, '-d', dataSource, ...args], env);
  const exported = join(host, 'exported.ndjson');
  await djaffar('export', '--output', exported);
  const rows = readFileSync(exported, 'utf8').trim().split('\n').length;
  assert(rows > 0);
  await djaffar('erase', '--from', '1970-01-01T00:00Z', '--yes');
  assert.deepEqual(JSON.parse(await djaffar('export', '--format', 'json')), []);
  await djaffar('import', exported);
  assert.equal(JSON.parse(await djaffar('export', '--format', 'json')).length, rows);
  assert(JSON.parse(await djaffar('stats', 'overview')).visits.value >= 0);
  await djaffar('check', '--rebuild');
  await djaffar('check');
}

/** TypeORM's own command line. */
async function migrates(name, host, extension, env) {
  const typeorm = (...args) =>
    run(
      host,
      process.execPath,
      ['node_modules/typeorm/cli.js', ...args, '-d', `data-source.${extension}`],
      env,
    );
  const generate = () => typeorm('migration:generate', '--check', 'nothing');
  await check(
    `${name}: TypeORM's command line runs the migrations, reverts, and never generates any of these tables`,
    async () => {
      await typeorm('migration:run');
      await generate();
      // One at a time, as TypeORM does.
      for (const _ of ['view', 'statistics', 'activities']) await typeorm('migration:revert');
      await generate();
    },
  );
}

async function compiles(host, modules, nest) {
  // Nest 12 is ES modules only, which `node16` lets no CommonJS host import.
  const kinds = modules === 'cjs' && !nest.startsWith('12') ? ['node16', 'node10'] : [modules];
  const types = join(root, 'node_modules/@types');
  for (const kind of kinds) {
    const options = `--strict --exactOptionalPropertyTypes --noEmit --skipLibCheck --target es2022 ${TYPESCRIPT[kind]} --experimentalDecorators --emitDecoratorMetadata --types node`;
    const args = [...options.split(' '), '--typeRoots', types];
    // The newest, of which version 7 knows no `node10` any more, and the lowest that the README names, if the row has one.
    const isOld = kind === 'node10';
    if (isOld) await typeCheck(host, join(root, 'node_modules/typescript'), [...args, ...DEPRECATED]);
    else
      for (const file of HOSTS_IN_TYPESCRIPT)
        await run(host, process.execPath, [join(root, 'node_modules/typescript-7/bin/tsc'), ...args, file]);
    const lowest = join(host, 'node_modules/typescript');
    if (existsSync(lowest)) await typeCheck(host, lowest, args);
  }
}

/** Apart: what a file declares of a module holds for all that are compiled together. */
function typeCheck(host, compiler, args) {
  return run(host, process.execPath, [
    join(here, 'compile.mjs'),
    compiler,
    HOSTS_IN_TYPESCRIPT.join(),
    ...args,
  ]);
}

function checkHost(each) {
  if (each.isNew) return checkNestAdd(mkdtempSync(join(folder, 'new-')), each, tarball);
  return each.runner ? checkTestHost(each, tarball) : checkCombination(each, tarball, nodes);
}

await check('each version that package.json claims is in a row of the table', () => {
  assert.deepEqual(untested(manifest(root)), []);
});
const tarball = await pack(root, folder);
const databases = await findDatabases();
const chosen = [...COMBINATIONS, ...TEST_HOSTS, ...NEW_HOSTS].filter(
  ({ name, database = 'sqlite' }) => tarball && only.test(name) && databases.includes(database),
);
const versions = chosen.flatMap(({ starts = [] }) => starts.map(({ node }) => node));
const nodes = await installNodes([...new Set(versions)].toSorted((a, b) => a.localeCompare(b)));
const rows = [];
await eachOf(chosen, async (each) => {
  rows.push([each.name, ...(await checkHost(each))]);
});
for (const row of rows) console.log(row.join(' | '));
