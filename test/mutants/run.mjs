// Changes the code of a part, one change after the other (a mutant), and lists the changes that no test notices.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import { format, resolveConfig } from 'prettier';
import { PARTS } from './parts.mjs';
import { report } from './report.mjs';

const SCORES = 'test/mutants/scores.json';
const REPORT = 'test/mutants/SCORES.md';
const REASONS = 'test/mutants/survivors.json';
const CACHE = 'node_modules/.cache/djaffar-mutants';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { all: { type: 'boolean' }, report: { type: 'boolean' } },
});
const unknown = positionals.filter((name) => !PARTS[name]);
if (unknown.length > 0 || (positionals.length === 0 && !values.report)) {
  if (unknown.length > 0) console.error(`unknown part: ${unknown.join(', ')}`);
  console.log('npm run test:mutants -- PART…   (--all: without the results of earlier runs)\n');
  for (const [name, { mutate }] of Object.entries(PARTS))
    console.log(`${name.padEnd(16)} ${mutate.join(' ')}`);
  process.exit(unknown.length > 0 ? 1 : 0);
}

for (const name of positionals) await run(name);
await writeReport();

async function run(name) {
  const { mutate, tests } = PARTS[name];
  process.env.DJAFFAR_TEST_DATABASES ??= 'sqlite';
  process.env.DJAFFAR_TEST_ADAPTERS ??= 'express';
  process.env.DJAFFAR_TEST_RUNS ??= '0.2';
  process.env.DJAFFAR_MUTANTS_TESTS = tests.join(',');
  await mkdir(CACHE, { recursive: true });
  await forgetStaticSurvivors(`${CACHE}/${name}.json`);
  const sources = await readSources();
  const start = Date.now();
  const mutants = await new Stryker({
    mutate,
    testRunner: 'jest',
    plugins: ['@stryker-mutator/jest-runner', './test/mutants/ignore-texts.mjs'],
    ignorers: ['texts'],
    jest: { configFile: 'test/mutants/jest.config.mjs', enableFindRelatedTests: false },
    coverageAnalysis: 'perTest',
    incremental: true,
    incrementalFile: `${CACHE}/${name}.json`,
    force: values.all ?? false,
    concurrency: Number(process.env.DJAFFAR_MUTANTS_CONCURRENCY ?? 2),
    timeoutMS: 8000,
    reporters: ['progress-append-only'],
    allowEmpty: true,
    cleanTempDir: 'always',
    disableTypeChecks: false,
  }).runMutationTest();
  const minutes = Math.ceil((Date.now() - start) / 60_000);
  const scores = await readJson(SCORES, {});
  const folders = countByFolder(mutants);
  scores[name] = {
    // Later runs test only what has changed.
    minutes: values.all ? minutes : (scores[name]?.minutes ?? minutes),
    before: scores[name]?.before ?? folders,
    after: folders,
    survivors: mutants
      .filter(({ status }) => status === 'Survived' || status === 'NoCoverage')
      .map((mutant) => describe(mutant, sources)),
  };
  await writeFile(SCORES, await pretty(SCORES, JSON.stringify(scores)));
}

/** Stryker does not know which tests reach what runs when a file is loaded, so it would not try new tests on it. */
async function forgetStaticSurvivors(path) {
  const earlier = await readJson(path, undefined);
  if (!earlier) return;
  for (const file of Object.values(earlier.files))
    file.mutants = file.mutants.filter((mutant) => !mutant.static || mutant.status !== 'Survived');
  await writeFile(path, JSON.stringify(earlier));
}

/** Whoever waits for a run may edit the files meanwhile. */
async function readSources() {
  const paths = (await readdir('lib', { recursive: true }))
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join('lib', path));
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path, 'utf8')])));
}

function countByFolder(mutants) {
  const folders = {};
  for (const { fileName, status } of mutants) {
    const isKilled = status === 'Killed' || status === 'Timeout';
    if (!isKilled && status !== 'Survived' && status !== 'NoCoverage') continue;
    const folder = (folders[dirname(relative('', fileName))] ??= { mutants: 0, killed: 0 });
    folder.mutants += 1;
    if (isKilled) folder.killed += 1;
  }
  return folders;
}

/** Without line numbers, which change. */
function describe({ fileName, location: { start, end }, replacement, mutatorName, status }, sources) {
  const file = relative('', fileName);
  const lines = sources
    .get(file)
    .split('\n')
    .slice(start.line - 1, end.line);
  const line = short(lines[0].trim());
  lines[lines.length - 1] = lines.at(-1).slice(0, end.column - 1);
  lines[0] = lines[0].slice(start.column - 1);
  return {
    file,
    line,
    code: short(lines.join(' ')),
    replacement: short(replacement ?? mutatorName),
    ...(status === 'NoCoverage' && { isReached: false }),
  };
}

function short(text) {
  return text.replaceAll(/\s+/g, ' ').slice(0, 100);
}

async function writeReport() {
  const { text, open, unused } = report(await readJson(SCORES, {}), await readJson(REASONS, []), PARTS);
  await writeFile(REPORT, await pretty(REPORT, text));
  const shown = open.filter(({ part }) => positionals.length === 0 || positionals.includes(part));
  for (const { file, line, code, replacement, isReached } of shown)
    console.log(`${file}: ${line}\n    ${code} → ${replacement}${isReached === false ? ' (no test)' : ''}`);
  console.log(`${shown.length} survivors without a reason in ${REASONS}; scores in ${REPORT}`);
  if (unused.length === 0) return;
  for (const { file, line, code, replacement } of unused)
    console.error(`${file}: ${[line, code, replacement].filter(Boolean).join(' → ')}`);
  console.error(`${unused.length} reasons in ${REASONS} match no survivor: delete them`);
  process.exitCode = 1;
}

async function readJson(path, missing) {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  return text === undefined ? missing : JSON.parse(text);
}

async function pretty(filepath, text) {
  return format(text, { ...(await resolveConfig(filepath)), filepath });
}
