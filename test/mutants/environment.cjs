const TestEnvironment = require('@stryker-mutator/jest-runner/jest-env/node');
const { disableAsyncStorages } = require('../support/setup/async-storages.cjs');
const { addRunBundle } = require('../support/setup/run-bundle.cjs');

const ACTIVE_MUTANT = '__STRYKER_ACTIVE_MUTANT__';

/** Skips the rest of a file after the first failed test: the mutant is killed, and Stryker cannot have Jest bail out. */
module.exports = class extends TestEnvironment {
  failed = false;

  async setup() {
    await super.setup();
    addRunBundle(this);
  }

  async teardown() {
    disableAsyncStorages();
    await super.teardown();
  }

  async handleTestEvent(event) {
    if (!process.env[ACTIVE_MUTANT]) return;
    if (event.name === 'test_done' && event.test.errors.length > 0) this.failed = true;
    if (event.name === 'test_start' && this.failed) event.test.mode = 'skip';
  }
};
