// Changes the code of a part, one change after the other (a mutant), and lists the changes that no test notices.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { parseArgs } from 'node:util';
import { Stryker } from '@stryker-mutator/core';
import { format, resolveConfig } from 'prettier';
import { PARTS, SAMPLE } from './parts.mjs';
import { report } from './report.mjs';
import { drawSample, placeOf } from './sample.mjs';

const SCORES = 'test/mutants/scores.json';
const SAMPLED = 'test/mutants/sample.json';
const REPORT = 'test/mutants/SCORES.md';
const REASONS = 'test/mutants/survivors.json';
const CACHE = 'node_modules/.cache/djaffar-mutants';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: 'boolean' },
    report: { type: 'boolean' },
    sample: { type: 'string' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 1e6)) },
  },
});
const unknown = positionals.filter((name) => !PARTS[name]);
const sampleSize = Number(values.sample ?? 0);
if (
  unknown.length > 0 ||
  Number.isNaN(sampleSize) ||
  (positionals.length === 0 && !values.report && !sampleSize)
) {
  if (unknown.length > 0) console.error(`unknown part: ${unknown.join(', ')}`);
  console.log('npm run test:mutants -- PART…   (--all: without the results of earlier runs)');
  console.log('npm run test:mutants -- --sample PLACES [--seed 1]   (of the files in no part)\n');
  for (const [name, { mutate }] of Object.entries(PARTS))
    console.log(`${name.padEnd(16)} ${mutate.join(' ')}`);
  process.exit(unknown.length > 0 ? 1 : 0);
}

for (const name of positionals) await runPart(name);
if (sampleSize > 0) await runSample(values.seed, sampleSize);
await writeReport();

async function runPart(name) {
  const { mutate, tests } = PARTS[name];
  const start = Date.now();
  const { mutants, sources } = await run(name, mutate, tests);
  const minutes = Math.ceil((Date.now() - start) / 60_000);
  const scores = await readJson(SCORES, {});
  const folders = countByFolder(mutants);
  scores[name] = {
    // Later runs test only what has changed.
    minutes: values.all ? minutes : (scores[name]?.minutes ?? minutes),
    before: scores[name]?.before ?? folders,
    after: folders,
    survivors: mutants.filter(isSurvivor).map((mutant) => describe(mutant, sources)),
  };
  await writeFile(SCORES, await pretty(SCORES, JSON.stringify(scores)));
}

async function runSample(seed, size) {
  console.log(`seed ${seed}`);
  process.env.DJAFFAR_MUTANTS_LIMIT = '20000';
  const files = await filesIn('lib', '.ts');
  const rooms = await drawSample(files, seed, size);
  const places = rooms.flatMap(({ drawn }) => drawn.map((mutant) => placeOf(mutant)));
  const { mutants, sources } = await run('sample', places, SAMPLE.tests);
  const results = rooms.map(({ name, mutants: all, drawn }) => {
    const ofRoom = new Set(drawn.map((mutant) => placeOf(mutant)));
    // Of what runs while files are loaded, too, Stryker tries only the few tests that load files.
    const tried = mutants.filter((mutant) => !mutant.static && ofRoom.has(placeOf(mutant, 1)));
    const killed = tried.filter(isKilled);
    const survivors = tried.filter(isSurvivor);
    return {
      room: name,
      mutants: all,
      places: new Set(tried.map((mutant) => placeOf(mutant, 1))).size,
      tried: killed.length + survivors.length,
      killed: killed.length,
      survivors: survivors.map((mutant) => describe(mutant, sources)),
    };
  });
  await writeFile(SAMPLED, await pretty(SAMPLED, JSON.stringify({ seed, size, rooms: results })));
}

async function run(name, mutate, tests) {
  const isSample = name === 'sample';
  process.env.DJAFFAR_TEST_DATABASES ??= 'sqlite';
  process.env.DJAFFAR_TEST_ADAPTERS ??= 'express';
  process.env.DJAFFAR_TEST_RUNS ??= '0.2';
  process.env.DJAFFAR_MUTANTS_TESTS = tests.join(' ');
  await mkdir(CACHE, { recursive: true });
  await forgetStaticSurvivors(`${CACHE}/${name}.json`);
  const sources = await readSources();
  const mutants = await new Stryker({
    mutate,
    testRunner: 'jest',
    plugins: ['@stryker-mutator/jest-runner', './test/mutants/ignore-texts.mjs', './test/mutants/sample.mjs'],
    ignorers: isSample ? ['texts', 'sample'] : ['texts'],
    // To find who notices them takes half of the tests each time.
    ignoreStatic: isSample,
    jest: { configFile: 'test/mutants/jest.config.mjs', enableFindRelatedTests: false },
    coverageAnalysis: 'perTest',
    incremental: true,
    incrementalFile: `${CACHE}/${name}.json`,
    force: values.all ?? false,
    concurrency: Number(process.env.DJAFFAR_MUTANTS_CONCURRENCY ?? 2),
    timeoutMS: 8000,
    dryRunTimeoutMinutes: 30,
    reporters: ['progress-append-only'],
    allowEmpty: true,
    cleanTempDir: 'always',
    disableTypeChecks: false,
  }).runMutationTest();
  const timeouts = mutants.filter(({ status }) => status === 'Timeout').length;
  console.log(`${timeouts} of the killed by a time-out`);
  return { mutants, sources };
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
  const paths = await filesIn('lib', '.ts');
  return new Map(await Promise.all(paths.map(async (path) => [path, await readFile(path, 'utf8')])));
}

async function filesIn(folder, ending) {
  const paths = await readdir(folder, { recursive: true });
  return paths.filter((path) => path.endsWith(ending)).map((path) => join(folder, path));
}

function countByFolder(mutants) {
  const folders = {};
  for (const mutant of mutants) {
    if (!isKilled(mutant) && !isSurvivor(mutant)) continue;
    const folder = (folders[dirname(relative('', mutant.fileName))] ??= { mutants: 0, killed: 0 });
    folder.mutants += 1;
    if (isKilled(mutant)) folder.killed += 1;
  }
  return folders;
}

function isKilled({ status }) {
  return status === 'Killed' || status === 'Timeout';
}

function isSurvivor({ status }) {
  return status === 'Survived' || status === 'NoCoverage';
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
  const { text, open, unused } = report({
    scores: await readJson(SCORES, {}),
    sample: await readJson(SAMPLED, undefined),
    reasons: await readJson(REASONS, []),
    parts: PARTS,
  });
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
