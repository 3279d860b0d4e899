const { default: NodeEnvironment } = require('jest-environment-node');
const { disableAsyncStorages } = require('./async-storages.cjs');
const { addRunBundle } = require('./run-bundle.cjs');

module.exports = class extends NodeEnvironment {
  async setup() {
    await super.setup();
    addRunBundle(this);
  }

  async teardown() {
    disableAsyncStorages();
    await super.teardown();
  }
};
