/** Multiplies the runs of property tests: `npm run test:full` sets more than 1, `test:quick` less. */
const FACTOR = Number(process.env.DJAFFAR_TEST_RUNS ?? 1);

const MAX_TIME = 280_000;

/** Returns the parameters of a property that uses a host or a database: all runs are done, or the test fails. */
export function runs(count: number): {
  numRuns: number;
  interruptAfterTimeLimit: number;
  markInterruptAsFailure: true;
  endOnFailure: boolean;
} {
  return {
    numRuns: Math.ceil(count * FACTOR),
    // Less than Jest's, so that a failure is reported with its example even if it takes long to shrink.
    interruptAfterTimeLimit: MAX_TIME * Math.max(1, FACTOR),
    markInterruptAsFailure: true,
    // Nobody reads the example of a mutant, for which a shorter one would be looked for.
    endOnFailure: process.env.DJAFFAR_MUTANTS_TESTS !== undefined,
  };
}
