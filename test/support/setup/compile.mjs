import { createHash } from 'node:crypto';
import {
  access,
  cp,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { transform } from '@swc/core';
import { build } from 'esbuild';
import { swc } from './swc.mjs';

const DAY = 86_400_000;
const CACHE = resolve('node_modules/.cache/djaffar-tests');
const SOURCES = ['lib', 'sample', 'ormconfig.ts'];
const TYPESCRIPT = /\.m?ts$/;
/** These are bundled by `npm run build:browser`, into `lib/generated`. */
const FOR_BROWSERS = ['lib/client/', 'lib/dashboard/page/'];
const ENTRIES = {
  command: 'lib/cli/main.js',
  library: 'lib/index.js',
  sample: 'sample/main.js',
  database: 'sample/database.js',
  ormconfig: 'ormconfig.js',
};

/**
 * Compiles and bundles what tests start in processes of their own: the command and the sample.
 * A start of the command takes 4.1 s of CPU from source, 1.6 s compiled, and 0.8 s bundled.
 * @returns the folder of the bundle, which later runs with the same sources use again
 */
export async function compile() {
  const files = (await Promise.all(SOURCES.map(filesIn))).flat().toSorted((a, b) => (a < b ? -1 : 1));
  const folder = join(CACHE, await hashOf([...files, 'package-lock.json', import.meta.filename]));
  try {
    await access(folder);
  } catch {
    await bundle(files, folder);
  }
  const now = new Date();
  await utimes(folder, now, now);
  await removeOlderThan(now.getTime() - DAY);
  return join(folder, 'bundle');
}

async function filesIn(path) {
  if (path.endsWith('.ts')) return [path];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !FOR_BROWSERS.some((folder) => file.startsWith(folder)));
}

async function hashOf(files) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(`${file}\0`).update(await readFile(file));
  return hash.digest('hex').slice(0, 16);
}

async function bundle(files, folder) {
  await mkdir(CACHE, { recursive: true });
  const scratch = await mkdtemp(join(CACHE, 'new-'));
  await Promise.all(files.map((file) => compileFile(file, join(scratch, 'compiled', file))));
  await build({
    entryPoints: Object.fromEntries(
      Object.entries(ENTRIES).map(([name, file]) => [name, join(scratch, 'compiled', file)]),
    ),
    outdir: join(scratch, 'bundle'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    keepNames: true,
    logLevel: 'error',
    // CommonJS packages require Node's modules.
    banner: {
      js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
    },
    plugins: [leaveOut],
  });
  await Promise.all(
    files
      .filter((file) => file.startsWith('sample/page/') && !file.endsWith('.ts'))
      .map((file) => cp(file, join(scratch, 'bundle', basename(file)))),
  );
  await symlink(resolve('node_modules'), join(scratch, 'node_modules'));
  try {
    await rename(scratch, folder);
  } catch {
    // Another run was faster.
    await rm(scratch, { recursive: true });
  }
}

async function compileFile(file, target) {
  await mkdir(dirname(target), { recursive: true });
  if (!TYPESCRIPT.test(file)) return;
  const { code } = await transform(await readFile(file, 'utf8'), {
    ...swc,
    filename: file,
    module: { type: 'es6' },
  });
  await writeFile(target.replace(TYPESCRIPT, '.js'), code);
}

/**
 * Leaves some packages to Node: with native code (libsql), to be evaluated first (reflect-metadata), CommonJS that Nest
 * imports dynamically (esbuild gives such a chunk no named exports), and those that are not installed.
 */
const leaveOut = {
  name: 'leave-out',
  setup({ onResolve, resolve: resolveByDefault }) {
    onResolve({ filter: /^(libsql|reflect-metadata|class-transformer|class-validator)$/ }, () => ({
      external: true,
    }));
    onResolve({ filter: /^[^./]/ }, async ({ path, pluginData, ...options }) => {
      if (pluginData === leaveOut) return undefined;
      const { errors } = await resolveByDefault(path, { ...options, pluginData: leaveOut });
      return errors.length > 0 ? { path, external: true } : undefined;
    });
  },
};

async function removeOlderThan(time) {
  for (const name of await readdir(CACHE)) {
    const folder = join(CACHE, name);
    const { mtimeMs } = await stat(folder);
    if (mtimeMs < time) await rm(folder, { recursive: true, force: true });
  }
}
