// Bundles the library for the tests: Jest would find, read, wrap and compile its 600 files anew for each test file.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { transform } from '@swc/core';
import { build } from 'esbuild';
import { cacheFolder, filesIn, ignoreExisting } from './cache.mjs';
import { RUN } from './packages.mjs';
import { swc } from './swc.mjs';

/** The paths of what is in the bundle: not what runs in browsers. */
const LIBRARY = `^${resolve('lib').replaceAll(/\W/g, '\\$&')}/(?!client/|dashboard/page/).*\\.ts$`;

/** Bundles the library once for each version of the sources, and returns the transform by which its files stand for the bundle's modules. */
export async function bundleLibrary() {
  const folder = await cacheFolder();
  const target = join(folder, 'library');
  if (!existsSync(target)) await bundle(folder, target);
  return {
    [LIBRARY]: ['<rootDir>/test/support/setup/library-transform.cjs', { run: join(target, 'run.js') }],
  };
}

async function bundle(folder, target) {
  const scratch = await mkdtemp(join(folder, 'new-'));
  const files = (await filesIn('lib')).filter((file) => new RegExp(LIBRARY).test(resolve(file)));
  await writeFile(join(scratch, 'package.json'), '{ "type": "commonjs" }');
  await Promise.all(files.map((file) => compile(file, join(scratch, compiledName(file)))));
  const modules = files.map((file) => `'${file}': () => require('./${compiledName(file)}')`);
  await build({
    stdin: { contents: `module.exports = { ${modules.join(', ')} };`, resolveDir: scratch },
    outfile: join(scratch, 'library', 'bundle.js'),
    bundle: true,
    packages: 'external',
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    sourcemap: 'linked',
    logLevel: 'error',
    banner: { js: '(function (module, exports, require) {' },
    footer: { js: '})' },
  });
  await writeFile(join(scratch, 'library', 'run.js'), RUN);
  await rename(join(scratch, 'library'), target).catch(ignoreExisting);
  await rm(scratch, { recursive: true });
}

const compiledName = (file) => file.replace(/\.ts$/, '.js');

/** Compiles as Jest does elsewhere. */
async function compile(file, target) {
  const { code } = await transform(await readFile(file, 'utf8'), {
    ...swc,
    filename: file,
    sourceFileName: resolve(file),
    module: { type: 'commonjs' },
    sourceMaps: 'inline',
  });
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, code);
}
