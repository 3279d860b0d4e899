import { availableParallelism } from 'node:os';
import { bundleLibrary } from './test/support/setup/library.mjs';
import { bundlePackages } from './test/support/setup/packages.mjs';
import { swc } from './test/support/setup/swc.mjs';

// Jest on Node 20 cannot require ES modules: for the tests all of them, Nest's too, become CommonJS.
const MODULES = [
  '@nestjs',
  'file-type',
  'load-esm',
  'strtok3',
  'token-types',
  'uint8array-extras',
  '@tokenizer',
  '@borewit',
];

const compileEach = { '\\.(ts|m?js)$': ['@swc/jest', { ...swc, module: { type: 'commonjs' } }] };

// Coverage needs the files of the library instead of a bundle, and so does a run during which they change.
const needsFiles = process.argv.some((argument) => /^--(watch|coverage|collectCoverage)/.test(argument));

const project = {
  testEnvironment: '<rootDir>/test/support/setup/environment.cjs',
  testMatch: ['**/*.test.ts'],
  transform: needsFiles ? compileEach : { ...(await bundleLibrary()), ...compileEach },
  transformIgnorePatterns: [`/node_modules/(?!(${MODULES.join('|')})/)`],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1', ...(await bundlePackages()) },
};

const withDatabases = {
  ...project,
  globalSetup: '<rootDir>/test/support/setup/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/setup/global-teardown.mjs',
};

export default {
  projects: [
    { ...project, displayName: 'unit', roots: ['<rootDir>/test/unit'] },
    { ...withDatabases, displayName: 'e2e', roots: ['<rootDir>/test/e2e'] },
    { ...withDatabases, displayName: 'browser', roots: ['<rootDir>/test/browser'] },
  ],
  testSequencer: '<rootDir>/test/support/setup/slowest-first.mjs',
  // Many tests wait for a database or a time limit: others use the cores meanwhile. Jest would read `150%` as 150 workers.
  maxWorkers: Math.ceil(1.5 * availableParallelism()),
  // Generous: it ends a test that hangs. What has to be quick is measured by the test itself.
  testTimeout: 300_000 * Math.max(1, Number(process.env.DJAFFAR_TEST_RUNS ?? 1)),
  reporters: ['default', '<rootDir>/test/support/setup/slowest-files.mjs'],
};
