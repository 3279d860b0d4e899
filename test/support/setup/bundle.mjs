// Compiles and bundles what tests start in processes of their own, into the folder `bundle` of the given one.
// A start of the command takes 4.1 s of CPU from source, 1.6 s compiled, and 0.8 s bundled.
import { cp, mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { transform } from '@swc/core';
import { build } from 'esbuild';
import { filesIn, ignoreExisting } from './cache.mjs';
import { swc } from './swc.mjs';

const SOURCES = ['lib', 'sample', 'ormconfig.ts', 'test/support/serverless.ts', 'test/support/subscriber.ts'];
const TYPESCRIPT = /\.m?ts$/;
/** These are bundled by `npm run build:browser`, into `lib/generated`. */
const FOR_BROWSERS = ['lib/client/', 'lib/dashboard/page/'];
const ENTRIES = {
  command: 'lib/cli/main.js',
  library: 'lib/index.js',
  sample: 'sample/main.js',
  database: 'sample/database.js',
  ormconfig: 'ormconfig.js',
  serverless: 'test/support/serverless.js',
  subscriber: 'test/support/subscriber.js',
};

/** CommonJS packages that Nest imports dynamically: esbuild would give such a chunk no named exports. */
const DYNAMIC = ['class-transformer', 'class-validator'];

async function bundle(folder) {
  const scratch = await mkdtemp(join(folder, 'new-'));
  const files = (await Promise.all(SOURCES.map(filesIn)))
    .flat()
    .filter((file) => !FOR_BROWSERS.some((path) => file.startsWith(path)));
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
    plugins: [leaveOut, oneTypeorm],
  });
  await build({
    entryPoints: DYNAMIC,
    outdir: join(scratch, 'bundle'),
    outExtension: { '.js': '.cjs' },
    bundle: true,
    // With names that Node finds.
    mainFields: ['module', 'main'],
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    logLevel: 'error',
  });
  await Promise.all(
    files
      .filter((file) => file.startsWith('sample/page/') && !file.endsWith('.ts'))
      .map((file) => cp(file, join(scratch, 'bundle', basename(file)))),
  );
  await writeFile(join(scratch, 'bundle', 'package.json'), '{ "type": "module" }');
  await rename(join(scratch, 'bundle'), join(folder, 'bundle')).catch(ignoreExisting);
  await rm(scratch, { recursive: true });
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

/** Leaves to Node packages with native code (libsql), to be evaluated first (reflect-metadata), and that are not installed. */
const leaveOut = {
  name: 'leave-out',
  setup({ onResolve, resolve: resolveByDefault }) {
    onResolve({ filter: /^(libsql|reflect-metadata)$/ }, () => ({ external: true }));
    onResolve({ filter: new RegExp(`^(${DYNAMIC.join('|')})$`) }, ({ path }) => ({
      path: `./${path}.cjs`,
      external: true,
    }));
    onResolve({ filter: /^[^./]/ }, async ({ path, pluginData, ...options }) => {
      if (pluginData === leaveOut) return undefined;
      const { errors } = await resolveByDefault(path, { ...options, pluginData: leaveOut });
      return errors.length > 0 ? { path, external: true } : undefined;
    });
  },
};

/** `@nestjs/typeorm` requires TypeORM at run time. It must use the bundled copy, because Node would load a second one. */
const oneTypeorm = {
  name: 'one-typeorm',
  setup({ onLoad }) {
    onLoad({ filter: /@nestjs\/typeorm\/.*\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace('const require = createRequire(import.meta.url);', ''),
    }));
  },
};

await bundle(process.argv[2]);
