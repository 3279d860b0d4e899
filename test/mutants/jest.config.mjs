import { join } from 'node:path';
import jest from '../../jest.config.mjs';

// Stryker knows no projects: the one with databases runs unit tests, too.
const project = jest.projects.find((each) => each.displayName === 'e2e');

export default {
  ...project,
  displayName: 'mutants',
  rootDir: '../..',
  roots: ['<rootDir>/test/unit', '<rootDir>/test/e2e'],
  testMatch: (process.env.DJAFFAR_MUTANTS_TESTS ?? '*/*')
    .split(',')
    .map((file) => `<rootDir>/test/${file}.test.ts`),
  testEnvironment: join(import.meta.dirname, 'environment.cjs'),
  runner: join(import.meta.dirname, 'runner.cjs'),
};
