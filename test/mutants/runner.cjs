const { existsSync, readFileSync, writeFileSync } = require('node:fs');
const { default: TestRunner } = require('jest-runner');

const ACTIVE_MUTANT = '__STRYKER_ACTIVE_MUTANT__';
/** In Stryker's sandbox: the tests of each file and how long it takes, from the run without a mutant. */
const FILE = 'mutants-tests.json';

/**
 * Runs only the files that have tests which reach the mutant, the quickest first, and stops at the first that fails. Stryker tells Jest
 * only the names of these tests, for which Jest would load all files.
 */
module.exports = class extends TestRunner {
  constructor(globalConfig, context) {
    super(globalConfig, context);
    this.testNamePattern = globalConfig.testNamePattern && new RegExp(globalConfig.testNamePattern, 'i');
  }

  async runTests(tests, watcher, options) {
    const seen = existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : {};
    const pattern = this.testNamePattern;
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
      };
    });
    const chosen = tests
      .filter(({ path }) => !pattern || !seen[path] || seen[path].names.some((name) => pattern.test(name)))
      .toSorted((a, b) => (seen[a.path]?.milliseconds ?? 0) - (seen[b.path]?.milliseconds ?? 0));
    for (const test of chosen)
      if (!hasFailed) await super.runTests([test], watcher, { ...options, serial: true });
    if (!process.env[ACTIVE_MUTANT]) writeFileSync(FILE, JSON.stringify(seen));
  }
};
