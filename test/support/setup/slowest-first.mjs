import { relative } from 'node:path';
import Sequencer from '@jest/test-sequencer';

/**
 * The files that take longest, the longest first: begun at the end of a run, one of them would keep one core busy while the
 * others are idle. Those that mostly wait (`outage`, `guest`, `frozen`) are apart, so that others use the cores meanwhile.
 * Jest knows how long files take only from a run before, of which CI has none.
 */
const SLOWEST = [
  'test/e2e/statistics.property.test.ts',
  'test/e2e/guest.test.ts',
  'test/e2e/tenants.test.ts',
  'test/e2e/sample.test.ts',
  'test/e2e/outage.test.ts',
  'test/e2e/copy.test.ts',
  'test/e2e/store.contract.test.ts',
  'test/e2e/rollup.faults.test.ts',
  'test/e2e/cli.export.test.ts',
  'test/e2e/frozen.test.ts',
  'test/e2e/cli.import.test.ts',
  'test/e2e/subscriptions.test.ts',
  'test/browser/dashboard.overview.test.ts',
  'test/e2e/cookieless.test.ts',
  'test/e2e/statistics.test.ts',
  'test/browser/dashboard.manners.test.ts',
  'test/browser/delivery.test.ts',
  'test/e2e/service.find.test.ts',
  'test/e2e/context.test.ts',
  'test/e2e/identity.test.ts',
  'test/browser/views.test.ts',
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
