import { join } from 'node:path';
import jest from '../../jest.config.mjs';

const tests = (process.env.DJAFFAR_MUTANTS_TESTS ?? '*/*').split(' ');
// Stryker knows no projects: the one with databases runs unit tests, too. Without databases, each mutant takes less time.
const name = tests.every((file) => file.startsWith('unit/')) ? 'unit' : 'e2e';
const project = jest.projects.find(({ displayName }) => displayName === name);

export default {
  ...project,
  displayName: 'mutants',
  rootDir: '../..',
  roots: ['<rootDir>/test/unit', '<rootDir>/test/e2e'],
  testMatch: tests.map((file) => `<rootDir>/test/${file}.test.ts`),
  testEnvironment: join(import.meta.dirname, 'environment.cjs'),
  // More than the tests need on a busy machine: a slow one must not count as one that has noticed a mutant.
  testTimeout: name === 'unit' ? 10_000 : 60_000,
  runner: join(import.meta.dirname, 'runner.cjs'),
};
