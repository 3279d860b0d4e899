const { default: NodeEnvironment } = require('jest-environment-node');
const { addRunBundle } = require('./run-bundle.cjs');

module.exports = class extends NodeEnvironment {
  async setup() {
    await super.setup();
    addRunBundle(this);
  }
};
