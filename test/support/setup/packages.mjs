// Bundles the packages that nearly every test file imports. Jest reloads them for each file: 1,500 modules that it has to
// find, read, wrap and compile, which takes several times the CPU of one file.
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { build } from 'esbuild';
import { ignoreExisting } from './cache.mjs';

/** All of Nest's, because they import each other's files. */
const PACKAGES = [
  '@nestjs/apollo',
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/graphql',
  '@nestjs/jwt',
  '@nestjs/microservices',
  '@nestjs/passport',
  '@nestjs/platform-express',
  '@nestjs/platform-fastify',
  '@nestjs/platform-ws',
  '@nestjs/swagger',
  '@nestjs/testing',
  '@nestjs/throttler',
  '@nestjs/typeorm',
  '@nestjs/websockets',
  'ajv',
  'ajv-formats',
  'class-transformer',
  'class-validator',
  'express',
  'fastify',
  'mysql2',
  'passport',
  'pg',
  'rxjs',
  'typeorm',
];

/** Is a module of Jest's for the bundle beside it: tests that isolate modules get another copy. */
export const RUN =
  "module.exports = runBundle(require('node:path').join(__dirname, 'bundle.js'), require);\n";

const FOLDER = resolve('node_modules/.cache/djaffar-test-packages');

/** Bundles the packages once, and returns Jest's `moduleNameMapper`: the file that stands in for each. */
export async function bundlePackages() {
  const hash = createHash('sha256');
  for (const file of ['package-lock.json', import.meta.filename]) hash.update(await readFile(file));
  const folder = join(FOLDER, hash.digest('hex').slice(0, 16));
  if (!existsSync(folder)) await bundle(folder);
  return Object.fromEntries(PACKAGES.map((name) => [`^${name}$`, join(folder, fileOf(name))]));
}

async function bundle(folder) {
  await mkdir(FOLDER, { recursive: true });
  for (const name of await readdir(FOLDER))
    if (!name.startsWith('new-')) await rm(join(FOLDER, name), { recursive: true });
  const scratch = await mkdtemp(join(FOLDER, 'new-'));
  const packages = PACKAGES.map((name) => `'${name}': () => require('${name}')`);
  await build({
    stdin: { contents: `module.exports = { ${packages.join(', ')} };`, resolveDir: resolve() },
    outfile: join(scratch, 'bundle.js'),
    bundle: true,
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    keepNames: true,
    logLevel: 'error',
    define: { 'import.meta.url': 'moduleUrl' },
    banner: {
      js: "(function (module, exports, require, __filename) { const moduleUrl = require('node:url').pathToFileURL(__filename).href;",
    },
    footer: { js: '})' },
    plugins: [leaveOut],
  });
  for (const name of PACKAGES)
    await writeFile(join(scratch, fileOf(name)), `module.exports = require('./run.js')['${name}']();\n`);
  await writeFile(join(scratch, 'run.js'), RUN);
  await rename(scratch, folder).catch(ignoreExisting);
}

function fileOf(name) {
  return `${name.replace('/', '+')}.js`;
}

/** Leaves to Jest a package with native code, one that all share, and those that are not installed. */
const leaveOut = {
  name: 'leave-out',
  setup({ onResolve, resolve: resolveByDefault }) {
    onResolve({ filter: /^(libsql|reflect-metadata)$/ }, () => ({ external: true }));
    onResolve({ filter: /^[^./]/ }, async ({ path, pluginData, ...options }) => {
      if (pluginData === leaveOut) return undefined;
      const { errors } = await resolveByDefault(path, { ...options, pluginData: leaveOut });
      return errors.length > 0 ? { path, external: true } : undefined;
    });
  },
};
