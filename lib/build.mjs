// Compiles the library into dist/. Hosts get one set of classes, in CommonJS, which they can load by `import`, by `require`
// and in Jest: two sets would be two kinds of `ActivityService`. What browsers load is an ES module as well, for bundlers.
import { execFileSync } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';

const DIST = new URL('../dist/', import.meta.url);
const COMMONJS = '--module commonjs --moduleResolution bundler --verbatimModuleSyntax false';

const require = createRequire(import.meta.url);
// TypeScript 7 takes a fifth of the time of TypeScript 6, which TypeDoc needs.
const tsc = join(dirname(require.resolve('typescript-7/package.json')), 'bin/tsc');
const compile = (options) =>
  execFileSync(process.execPath, [tsc, ...options.split(' ')], {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
  });

await rm(DIST, { recursive: true, force: true });
// Nearer to the files than the `"type": "module"` of the sources.
for (const [folder, type] of [
  ['./', 'commonjs'],
  ['client/', 'module'],
  ['client/commonjs/', 'commonjs'],
]) {
  await mkdir(new URL(folder, DIST), { recursive: true });
  await writeFile(new URL(`${folder}package.json`, DIST), JSON.stringify({ type }));
}
const modules = await mkdtemp(join(tmpdir(), 'djaffar-build-'));
compile(
  `-p tsconfig.build.json --module esnext --moduleResolution bundler --outDir ${modules} --declarationDir dist`,
);
compile('-p lib/client --noEmit false --outDir dist/client');
compile(`-p lib/client --noEmit false --outDir dist/client/commonjs ${COMMONJS}`);

// A few files instead of two hundred: a host starts sooner, and takes less memory.
const { outputFiles } = await build({
  entryPoints: Object.fromEntries(
    Object.entries({
      index: 'index',
      clickhouse: 'store/clickhouse/index',
      testing: 'testing/index',
      'schematics/nest-add': 'schematics/nest-add',
      'cli/run-command': 'cli/run-command',
      'generated/page': 'generated/page',
    }).map(([name, source]) => [name, join(modules, `${source}.js`)]),
  ),
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  packages: 'external',
  keepNames: true,
  chunkNames: 'chunks/[name]-[hash]',
  outdir: fileURLToPath(DIST),
  write: false,
});
let optional = 0;
for (const { path, text } of outputFiles) {
  // Jest cannot run a real import() in CommonJS.
  const supported = { 'dynamic-import': false };
  const { code } = await transform(text, { format: 'cjs', platform: 'node', target: 'node20', supported });
  // Bundlers accept that an optional package is missing only if its require() is in the `try` block itself.
  const OPTIONAL =
    /Promise\.resolve\(\)\.then\(\(\) => (__toESM\(require\("(?:@nestjs\/passport|@opentelemetry\/api|mmdb-lib|prom-client)"\)(?:, 1)?\))\)/g;
  optional += code.match(OPTIONAL)?.length ?? 0;
  await mkdir(dirname(path), { recursive: true });
  // Only comments have other characters: esbuild escapes them in texts. With one of them, all of the file takes two bytes for each.
  const ascii = code.replaceAll('…', '...').replace(/\P{ASCII}/gu, '?');
  await writeFile(path, ascii.replace(OPTIONAL, '$1'));
}
if (optional !== 4)
  throw new Error(`${optional} of 4 optional packages are loaded so that bundlers accept it`);
await copyFile(join(modules, 'cli/main.mjs'), new URL('cli/main.mjs', DIST));
for (const file of ['collection.json', 'schema.json'])
  await copyFile(new URL(`schematics/${file}`, import.meta.url), new URL(`schematics/${file}`, DIST));
await rm(modules, { recursive: true });

// Exports each name explicitly, because bundlers cannot resolve `export *` from CommonJS.
for (const [name, types] of [
  ['index', 'index'],
  ['clickhouse', 'store/clickhouse/index'],
  ['testing', 'testing/index'],
]) {
  const names = Object.keys(require(`../dist/${name}.js`));
  await writeFile(new URL(`${name}.mjs`, DIST), `export { ${names.join(', ')} } from './${name}.js';\n`);
  await writeFile(new URL(`${name}.d.mts`, DIST), `export * from './${types}.js';\n`);
}
