// Compiles the library into dist/. Hosts get one set of classes, in CommonJS, which they can load by `import`, by `require`
// and in Jest: two sets would be two kinds of `ActivityService`. What browsers load is an ES module as well, for bundlers.
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const DIST = new URL('../dist/', import.meta.url);
const COMMONJS = '--module commonjs --moduleResolution bundler --verbatimModuleSyntax false';

const require = createRequire(import.meta.url);
const tsc = require.resolve('typescript/bin/tsc');
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
compile(`-p tsconfig.build.json ${COMMONJS}`);
compile('-p lib/client --noEmit false --outDir dist/client');
compile(`-p lib/client --noEmit false --outDir dist/client/commonjs ${COMMONJS}`);

// Bundlers accept that an optional package is missing only if its require() is in the `try` block itself.
const OPTIONAL = /Promise\.resolve\(\)\.then\(\(\) => (__importStar\(require\('@nestjs\/passport'\)\))\)/;
const file = new URL('tracking/identify.guard.js', DIST);
const text = await readFile(file, 'utf8');
if (!OPTIONAL.test(text)) throw new Error('the guard does not load the optional @nestjs/passport');
await writeFile(file, text.replace(OPTIONAL, '$1'));

// Names one by one: bundlers do not see what `export *` takes from CommonJS.
const names = Object.keys(require('../dist/index.js'));
await writeFile(new URL('index.mjs', DIST), `export { ${names.join(', ')} } from './index.js';\n`);
await writeFile(new URL('index.d.mts', DIST), "export * from './index.js';\n");
