// Packs the package, installs the tarball into hosts outside the repository, and has each of them track an activity.
// Prints a line for each check: `ok` or `FAILED`, then what was said, indented.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

const here = import.meta.dirname;
const root = join(here, '../..');
const folder = mkdtempSync(join(tmpdir(), 'djaffar-packed-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const COMMON = ['reflect-metadata', 'rxjs@7', 'class-validator', 'class-transformer', 'libsql'];
const NEST = ['common', 'core', 'platform-express', 'platform-fastify', 'typeorm'];
const HOSTS = [
  { name: 'ESM, Nest 12, TypeORM 1', type: 'module', extension: 'mjs', nest: 12, typeorm: '1' },
  { name: 'CommonJS, Nest 11, TypeORM 0.3', type: 'commonjs', extension: 'cjs', nest: 11, typeorm: '0.3' },
];

const MINUTE = 60_000;

function run(cwd, command, ...args) {
  return execFileSync(command, args, {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 5 * MINUTE,
  });
}

function manifest(path) {
  return JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
}

/** Whether it passed. */
async function check(name, test) {
  try {
    await test();
    console.log(`ok      ${name}`);
    return true;
  } catch (error) {
    // The stack of a command that failed holds what it said on its standard error.
    const said = `${error.stack}\n${error.stdout ?? ''}`.trim();
    console.log(`FAILED  ${name}\n${said.replace(/^/gm, '        ')}`);
    process.exitCode = 1;
    return false;
  }
}

/** Starts a host, and waits until it says that it is ready. */
async function start(cwd, ...args) {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], timeout: MINUTE });
  const exited = once(child, 'exit');
  let said = '';
  child.stderr.on('data', (chunk) => (said += chunk));
  for await (const line of createInterface(child.stdout)) {
    said += `${line}\n`;
    if (!line.startsWith('ready ')) continue;
    child.stdout.resume();
    return {
      url: line.slice('ready '.length),
      stop: async () => {
        child.kill();
        const [code, signal] = await exited;
        assert(code === 0 || signal === 'SIGTERM', `ended with ${code ?? signal}: ${said}`);
      },
    };
  }
  throw new Error(`did not start: ${said}`);
}

async function tracks(url) {
  const activity = { id: randomUUID(), date: new Date().toISOString(), path: '/packed' };
  for (const body of [new URLSearchParams(activity), new URLSearchParams(activity)]) {
    const posted = await fetch(`${url}/djaffar/track/`, { method: 'POST', body });
    assert.equal(posted.status, 204, await posted.text());
  }
  const script = await fetch(`${url}/djaffar/tracker.js`);
  assert.equal(script.status, 200);
  assert.match(await script.text(), /self\.djaffar=/);
  assert.equal((await fetch(`${url}/djaffar/activities`)).status, 403);
  const listed = await fetch(`${url}/djaffar/activities`, { headers: { 'x-admin': 'yes' } });
  const found = await fetch(`${url}/report`);
  for (const answer of [listed, found]) {
    const { items, next } = await answer.json();
    assert.deepEqual(
      items.map(({ id, date, path, session }) => ({ id, date, path, userAgent: session.userAgent })),
      [{ ...activity, userAgent: 'node' }],
    );
    assert.equal(next, null);
  }
  await shows(`${url}/djaffar/dashboard/`);
}

/** The page of the dashboard, and the script that it loads. */
async function shows(dashboard) {
  assert.equal((await fetch(dashboard)).status, 403);
  const headers = { 'X-Admin': 'yes' };
  const page = await fetch(dashboard, { headers });
  assert.equal(page.status, 200);
  const [, script] = /<script type="module" src="([^"]+)"/.exec(await page.text()) ?? [];
  assert.equal((await fetch(new URL(script, dashboard), { headers })).status, 200);
}

/** The packages that come with one, as `npm ls` tells it: `name@version`. */
function brought(name, { dependencies = {}, version } = {}, only = Object.keys(dependencies)) {
  return [`${name}@${version}`, ...only.flatMap((each) => brought(each, dependencies[each]))];
}

async function checkHost({ name, type, extension, nest, typeorm }, tarball) {
  const host = mkdtempSync(join(folder, 'host-'));
  cpSync(here, host, { recursive: true });
  writeFileSync(join(host, 'package.json'), JSON.stringify({ private: true, type }));
  const packages = [
    tarball,
    ...NEST.map((each) => `@nestjs/${each}@${nest}`),
    `typeorm@${typeorm}`,
    ...COMMON,
  ];
  const installed = await check(`${name}: npm installs it`, () =>
    run(host, 'npm', 'install', '--silent', '--no-audit', '--no-fund', ...packages),
  );
  if (!installed) return;

  await check(`${name}: no optional peer is needed, and no other is missing`, () => {
    const list = JSON.parse(run(host, 'npm', 'ls', '--all', '--json')).dependencies['nestjs-djaffar'];
    assert(!existsSync(join(host, 'node_modules/@nestjs/passport')));
    const own = Object.keys(manifest(join(host, 'node_modules/nestjs-djaffar')).dependencies);
    console.log(`        brings ${brought('nestjs-djaffar', list, own).join(' ')}`);
  });
  for (const adapter of ['express', 'fastify']) {
    await check(`${name}: a host on ${adapter} tracks`, async () => {
      const { url, stop } = await start(host, `entry.${extension}`, adapter);
      await tracks(url).finally(stop);
    });
  }
  const commandLine = (...args) =>
    run(host, 'npx', '--no', '--', 'typeorm', ...args, '-d', `data-source.${extension}`);
  const generate = () => commandLine('migration:generate', '--check', 'nothing');
  await check(`${name}: TypeORM's command line runs the migrations`, () => commandLine('migration:run'));
  await check(`${name}: and finds nothing left to generate`, generate);
  await check(`${name}: and reverts them`, () => {
    // One at a time, as TypeORM does.
    for (const _ of ['statistics', 'activities']) commandLine('migration:revert');
    assert.throws(generate, ({ stdout }) => /CREATE TABLE "djaffar_activity"/.test(stdout));
  });
  await check(`${name}: a host in TypeScript compiles`, () => {
    const options =
      '--strict --noEmit --target es2023 --module nodenext --experimentalDecorators --emitDecoratorMetadata --types node';
    const compiler = join(root, 'node_modules/typescript/bin/tsc');
    const types = join(root, 'node_modules/@types');
    run(host, process.execPath, compiler, ...options.split(' '), '--typeRoots', types, 'host.ts');
  });
}

/** Its path, even where a check of what it holds failed. */
async function pack() {
  let tarball;
  let files = [];
  await check('the tarball holds the built library and nothing else', () => {
    const [packed] = JSON.parse(run(root, 'npm', 'pack', '--json', '--silent', '--pack-destination', folder));
    tarball = join(folder, packed.filename);
    files = packed.files.map(({ path }) => path);
    // No tests, no sample, and no source map, whose sources would not be there.
    const allowed =
      /^(dist\/.+\.(m?js|d\.m?ts)|dist\/(client\/(commonjs\/)?)?package\.json|package\.json|README\.md|LICENSE|CHANGELOG\.md)$/;
    assert.deepEqual(
      files.filter((path) => !allowed.test(path)),
      [],
    );
    for (const built of [
      'index.js',
      'index.mjs',
      'index.d.ts',
      'index.d.mts',
      'client/index.js',
      'client/index.d.ts',
      'client/commonjs/index.js',
      'generated/page.js',
    ])
      assert(files.includes(`dist/${built}`), `${built} was not built`);
  });
  if (!tarball) return undefined;
  // The hosts below have both adapters, and would hide that it needs one of them.
  await check('the tarball imports only what it declares, and names no source map', () => {
    const { dependencies, peerDependencies } = manifest(root);
    // What `generated` holds is for the browser.
    for (const path of files.filter((each) => /^dist\/(?!generated)/.test(each))) {
      const code = readFileSync(join(root, path), 'utf8');
      assert.doesNotMatch(code, /sourceMappingURL/, path);
      for (const [, name] of code.matchAll(
        /\b(?:from *|import[ (]*|require\()['"]((?:@[\w-]+\/)?\w[\w:.-]*)/g,
      ))
        assert(
          name in { ...dependencies, ...peerDependencies } || name.startsWith('node:'),
          `${path}: ${name}`,
        );
    }
  });
  return tarball;
}

const tarball = await pack();
for (const host of tarball ? HOSTS : []) await checkHost(host, tarball);
