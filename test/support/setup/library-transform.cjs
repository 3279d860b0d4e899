const path = require('node:path');

/** Jest's transform of a file of the library, into what returns the module of the bundle that `library.mjs` makes. */
module.exports = {
  process: (_source, file, { transformerConfig, config }) => ({
    code: `module.exports = require('${transformerConfig.run}')['${path.relative(config.rootDir, file)}']();`,
  }),
  getCacheKey: (_source, file, { transformerConfig }) => `${transformerConfig.run} ${file}`,
};
