import { relative } from 'node:path';
import Sequencer from '@jest/test-sequencer';

/**
 * The files that take longest, the longest first: begun at the end of a run, one of them would keep one core busy while the
 * others are idle. Jest knows how long files take only from a run before, of which CI has none.
 */
const SLOWEST = [
  'test/e2e/statistics.property.test.ts',
  'test/e2e/guest.test.ts',
  'test/e2e/rollup.faults.test.ts',
  'test/browser/dashboard.manners.test.ts',
  'test/browser/delivery.test.ts',
  'test/e2e/cli.export.test.ts',
  'test/e2e/frozen.test.ts',
  'test/e2e/body.property.test.ts',
  'test/e2e/sample.test.ts',
  'test/browser/dashboard.overview.test.ts',
  'test/e2e/storage.test.ts',
];

export default class SlowestFirst extends Sequencer {
  sort(tests) {
    const rank = ({ path }) => {
      const index = SLOWEST.indexOf(relative('', path));
      return index < 0 ? SLOWEST.length : index;
    };
    return super.sort(tests).toSorted((a, b) => rank(a) - rank(b));
  }
}
