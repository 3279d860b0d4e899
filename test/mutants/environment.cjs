const TestEnvironment = require('@stryker-mutator/jest-runner/jest-env/node');
const { disableAsyncStorages } = require('../support/setup/async-storages.cjs');
const { addRunBundle } = require('../support/setup/run-bundle.cjs');
const reached = require('./reached.cjs');

const ACTIVE_MUTANT = '__STRYKER_ACTIVE_MUTANT__';
/** The global variable with the name of Stryker's. */
const NAMESPACE = '__strykerGlobalNamespace__';

/** Skips the rest of a file after the first failed test: the mutant is killed, and Stryker cannot have Jest bail out. */
module.exports = class extends TestEnvironment {
  failed = false;
  ids = new Set();

  constructor(config, context) {
    super(config, context);
    this.path = context.testPath;
    this.hitsBefore = { ...this.coverage.static };
  }

  async setup() {
    await super.setup();
    addRunBundle(this);
  }

  async teardown() {
    for (const [id, hits] of Object.entries(this.coverage.static))
      if (hits !== this.hitsBefore[id]) this.ids.add(id);
    reached.set(this.path, [...this.ids]);
    disableAsyncStorages();
    await super.teardown();
  }

  async handleTestEvent(event) {
    if (event.name === 'test_done')
      for (const id in this.coverage.perTest[this.stryker.currentTestId]) this.ids.add(id);
    if (!process.env[ACTIVE_MUTANT]) return;
    if (event.name === 'test_done' && event.test.errors.length > 0) this.failed = true;
    if (event.name === 'test_start' && this.failed) event.test.mode = 'skip';
  }

  /** Stryker's counts: by test, and `static` outside tests. */
  get coverage() {
    return this.stryker.mutantCoverage ?? { static: {}, perTest: {} };
  }

  get stryker() {
    return this.global[this.global[NAMESPACE] ?? '__stryker__'];
  }
};
