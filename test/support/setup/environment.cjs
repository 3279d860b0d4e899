const { AsyncLocalStorage } = require('node:async_hooks');
const { default: NodeEnvironment } = require('jest-environment-node');
const { addRunBundle } = require('./run-bundle.cjs');

/** Up to Node 22 each storage that is in use slows down every promise of its process: with 40 of them 80 times. */
const used = new Set();

for (const name of ['run', 'enterWith']) {
  const original = AsyncLocalStorage.prototype[name];
  AsyncLocalStorage.prototype[name] = function (...args) {
    used.add(this);
    return original.apply(this, args);
  };
}

module.exports = class extends NodeEnvironment {
  async setup() {
    await super.setup();
    addRunBundle(this);
  }

  async teardown() {
    // Otherwise a test file would slow down all later ones of the same worker.
    for (const storage of used) storage.disable();
    used.clear();
    await super.teardown();
  }
};
