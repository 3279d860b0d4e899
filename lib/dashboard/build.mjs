// Bundles the dashboard's page in several scripts, and fails if they are too big.
import { readdir, readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { writeModule } from '../generate.mjs';

/** Bytes of all scripts together, with gzip. */
const MAX_SIZE = 150_000;
const PAGE = new URL('page/', import.meta.url);
const path = (url) => fileURLToPath(url);

const { metafile, outputFiles } = await build({
  entryPoints: ['main.tsx', 'styles/index.css'].map((file) => path(new URL(file, PAGE))),
  outdir: path(new URL('assets/', PAGE)),
  write: false,
  outbase: path(PAGE),
  entryNames: '[name]-[hash]',
  chunkNames: '[name]-[hash]',
  bundle: true,
  splitting: true,
  format: 'esm',
  target: 'es2022',
  minify: true,
  // The licences of bundled packages are in a file next to the scripts.
  legalComments: 'none',
  metafile: true,
  tsconfig: path(new URL('tsconfig.json', PAGE)),
});

const built = Object.entries(metafile.outputs).map(([file, { entryPoint, imports }]) => ({
  name: basename(file),
  entryPoint,
  imports,
}));
const entry = built.find(({ entryPoint }) => entryPoint?.endsWith('main.tsx'));
const style = built.find(({ name }) => name.endsWith('.css'));
// Static imports of the script are preloaded.
const needed = entry.imports
  .filter(({ kind }) => kind === 'import-statement')
  .map(({ path: file }) => `<link rel="modulepreload" href="assets/${basename(file)}" />`);
const html = await readFile(new URL('index.html', PAGE), 'utf8');
const index = html
  .replace('main.tsx', `assets/${entry.name}`)
  .replace('styles/index.css', `assets/${style.name}`)
  .replace('  </head>', `    ${needed.join('\n    ')}\n  </head>`);

const packages = new Set(
  Object.keys(metafile.inputs).flatMap((file) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(file)?.[1] ?? []),
);
const licences = await Promise.all([...packages].sort().map(licenceOf));

const assets = {
  ...Object.fromEntries(outputFiles.map(({ path: file, text }) => [basename(file), text])),
  'icon.svg': await readFile(new URL('icon.svg', PAGE), 'utf8'),
  'licences.txt': licences.join('\n\n'),
};
await writeModule('page', { index, assets });
const manifest = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
await writeModule('version', { version: manifest.version });

let size = 0;
for (const { name } of built.filter((file) => file.name.endsWith('.js'))) {
  const packed = gzipSync(assets[name], { level: 9 }).length;
  size += packed;
  process.stderr.write(`dashboard ${name}: ${packed} bytes with gzip\n`);
}
process.stderr.write(`dashboard scripts: ${size} bytes with gzip\n`);
if (size > MAX_SIZE) throw new Error(`the dashboard's scripts may take ${MAX_SIZE} bytes with gzip`);

async function licenceOf(name) {
  const folder = new URL(`../../node_modules/${name}/`, import.meta.url);
  const { version } = JSON.parse(await readFile(new URL('package.json', folder), 'utf8'));
  const file = (await readdir(folder)).find((each) => /^licen[cs]e/i.test(each));
  if (!file) throw new Error(`${name} has no licence`);
  return `${name} ${version}\n\n${await readFile(new URL(file, folder), 'utf8')}`;
}
