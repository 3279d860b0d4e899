import { relative } from 'node:path';

const COUNT = 10;

/** Prints the slowest files at the end of a run. */
export default class SlowestFiles {
  onRunComplete(_, { testResults }) {
    if (testResults.length < 2) return;
    const slowest = testResults
      .map(({ testFilePath, perfStats, numPassingTests, numFailingTests }) => ({
        file: relative('', testFilePath),
        seconds: (perfStats.end - perfStats.start) / 1000,
        tests: numPassingTests + numFailingTests,
      }))
      .toSorted((a, b) => b.seconds - a.seconds)
      .slice(0, COUNT);
    const lines = slowest.map(
      ({ file, seconds, tests }) =>
        `${seconds.toFixed(1).padStart(7)} s ${String(tests).padStart(4)} tests  ${file}\n`,
    );
    process.stderr.write(`\nThe slowest files:\n${lines.join('')}`);
  }
}
