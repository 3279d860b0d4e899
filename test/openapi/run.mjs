// Lints and validates the OpenAPI document of a host, has clients generated from it, and calls every route with each of them.
// Needs dist/: `npm run build`. The generators are installed into a temporary folder, so that `npm ci` does without them.
import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { check, install, run, start } from '../packed/process.mjs';
import { GENERATORS, LINTERS, TYPESCRIPT } from './generators.mjs';

const here = import.meta.dirname;
const folder = mkdtempSync(join(tmpdir(), 'djaffar-openapi-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const document = join(folder, 'openapi.json');
const bin = (name, args, cwd = folder) => run(cwd, join(folder, 'node_modules/.bin', name), args);

const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: false,
  noUncheckedIndexedAccess: true,
  module: 'esnext',
  moduleResolution: 'bundler',
  target: 'es2022',
  lib: ['es2023', 'dom', 'dom.iterable'],
  types: [],
  skipLibCheck: true,
  noEmit: true,
};

/** What each client has to find out. */
function checkAnswers({ compared, ndjson, csv, wrong, ...answers }) {
  assert.deepEqual(answers, {
    track: 204,
    trackForm: 204,
    find: '/openapi',
    properties: 'pro',
    json: '/openapi',
    overview: 1,
    series: 1,
    measure: 0,
    top: '/openapi',
    live: 2,
    funnel: 1,
    retention: 2,
    journeys: '/openapi',
    visits: '/openapi',
    health: 10_000,
  });
  assert(Date.parse(compared) < Date.now());
  assert.equal(ndjson.trimEnd().split('\n').length, 2);
  assert.equal(csv.trimEnd().split('\r\n').length, 1 + 2);
  assert.equal(wrong.length, 1);
}

async function checkGenerator({ name, config, args }) {
  // A host of its own: each client finds only what it has stored.
  const host = await start(here, process.execPath, ['host.mjs', `${document}.${name}`]);
  const client = join(folder, name);
  mkdirSync(client);
  try {
    const given = { document: `${document}.${name}`, url: host.url };
    cpSync(join(here, 'clients', `${name}.ts`), join(client, 'calls.ts'));
    cpSync(join(here, 'clients/answers.ts'), join(client, 'answers.ts'));
    const [file, value] = config(given);
    if (file) writeFileSync(join(client, file), `export default ${JSON.stringify(value)};\n`);
    const [generator, ...options] = args(given);
    await bin(generator, options, client);
    writeFileSync(
      join(client, 'tsconfig.json'),
      JSON.stringify({ compilerOptions: STRICT, include: ['.'], exclude: ['*.config.mjs'] }),
    );
    await bin('tsc', ['--project', client]);
    const outfile = join(client, 'calls.mjs');
    await build({
      entryPoints: [join(client, 'calls.ts')],
      bundle: true,
      format: 'esm',
      platform: 'node',
      outfile,
    });
    checkAnswers(JSON.parse(await run(client, process.execPath, [outfile, host.url])));
    const source = readFileSync(join(client, 'calls.ts'), 'utf8').toLowerCase();
    for (const [path, operations] of Object.entries(JSON.parse(readFileSync(document, 'utf8')).paths))
      for (const { operationId } of Object.values(operations))
        assert(
          source.includes(`'${path}'`) || source.includes(operationId.replace('_', '').toLowerCase()),
          `it does not call ${path}`,
        );
  } finally {
    await host.stop();
  }
}

writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module' }));
const packages = [...LINTERS, TYPESCRIPT, ...GENERATORS.flatMap((generator) => generator.packages)];
if (await check('the generators install', () => install(folder, packages))) {
  const isThere = await check('a host writes its document', async () => {
    const host = await start(here, process.execPath, ['host.mjs', document]);
    await host.stop();
  });
  if (isThere) {
    cpSync(join(here, 'redocly.yaml'), join(folder, 'redocly.yaml'));
    await check('redocly lint finds nothing', () =>
      bin('redocly', ['lint', document, '--config', 'redocly.yaml']),
    );
    const validate = `import parser from '@apidevtools/swagger-parser'; await parser.validate(${JSON.stringify(document)});`;
    writeFileSync(join(folder, 'validate.mjs'), validate);
    await check('swagger-parser validates', () => run(folder, process.execPath, ['validate.mjs']));
    for (const generator of GENERATORS)
      await check(`the client of ${generator.name} compiles and calls every route`, () =>
        checkGenerator(generator),
      );
  }
}
