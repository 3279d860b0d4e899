const { readFileSync } = require('node:fs');
const { Script } = require('node:vm');

const scripts = new Map();

/**
 * Gives test files `runBundle(path, require)`: it runs a bundle of `packages.mjs` or `library.mjs` and returns what that exports. A worker compiles a bundle
 * once, and Jest a module once for each test file: 25 ms instead of 460 for the packages, and 30 instead of 250 for the library.
 */
exports.addRunBundle = (environment) => {
  environment.global.runBundle = (path, require) => {
    const module = { exports: {} };
    compile(path).runInContext(environment.context)(module, module.exports, require, path);
    return module.exports;
  };
};

function compile(path) {
  const script = scripts.get(path) ?? new Script(readFileSync(path, 'latin1'), { filename: path });
  scripts.set(path, script);
  return script;
}
