const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { default: TestRunner } = require('jest-runner');
const reached = require('./reached.cjs');

const ACTIVE_MUTANT = '__STRYKER_ACTIVE_MUTANT__';
/** In Stryker's sandbox: what each file has and takes, from the run without a mutant. */
const FILE = 'mutants-tests.json';
/** Milliseconds after which no further file begins to look for a mutant. */
const LIMIT = Number(process.env.DJAFFAR_MUTANTS_LIMIT ?? Infinity);

/**
 * Runs only the files that reach the mutant, the quickest first, and stops at the first that fails. Stryker tells Jest
 * only the names of the tests, for which Jest would load all files, and not even these if a mutant is reached outside tests.
 */
module.exports = class extends TestRunner {
  constructor(globalConfig, context) {
    super(globalConfig, context);
    this.testNamePattern = globalConfig.testNamePattern && new RegExp(globalConfig.testNamePattern, 'i');
  }

  async runTests(tests, watcher, options) {
    const seen = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};
    let hasFailed = false;
    this.on('test-file-failure', () => {
      hasFailed = true;
    });
    this.on('test-file-success', ([test, result]) => {
      if (result.numFailingTests > 0 || result.testExecError) hasFailed = true;
      const { start, end } = result.perfStats;
      seen[test.path] = {
        milliseconds: end - start,
        names: result.testResults.map(({ fullName }) => fullName),
        reached: reached.get(test.path),
      };
    });
    const chosen = tests
      .filter(({ path }) => !seen[path] || this.isReached(seen[path]))
      .toSorted((a, b) => (seen[a.path]?.milliseconds ?? 0) - (seen[b.path]?.milliseconds ?? 0));
    const end = performance.now() + (process.env[ACTIVE_MUTANT] ? LIMIT : Infinity);
    for (const test of chosen)
      if (!hasFailed && performance.now() < end)
        await super.runTests([test], watcher, { ...options, serial: true });
    if (!process.env[ACTIVE_MUTANT]) writeFileSync(FILE, JSON.stringify(seen));
  }

  isReached({ names, reached: ids }) {
    if (this.testNamePattern) return names.some((name) => this.testNamePattern.test(name));
    return ids.includes(process.env[ACTIVE_MUTANT]);
  }
};
