import type { StatisticsSnapshot } from './statistics.store.js';
import {
  type Figure,
  type Measure,
  MEASURES,
  type Overview,
  type OverviewOptions,
} from './statistics.types.js';
import { comparedRange, formatSpan, type Range } from './time/calendar.js';

/** Reads all measures of a range, and of the range that it is compared with. */
export async function readOverview(
  snapshot: StatisticsSnapshot,
  range: Range,
  compareTo: OverviewOptions['compareTo'],
): Promise<Omit<Overview, 'asOf'>> {
  const compared = comparedRange(range, compareTo);
  const values = await snapshot.measures(MEASURES, range, [range.since]);
  const before = compared && (await snapshot.measures(MEASURES, compared, [compared.since]));
  const result = (measure: Measure): Figure => ({
    value: values[measure][0] ?? null,
    ...(before && { compared: before[measure][0] ?? null }),
  });
  return {
    ...formatSpan(range),
    ...(compared && { compared: formatSpan(compared) }),
    users: result('users'),
    sessions: result('sessions'),
    visits: result('visits'),
    activities: result('activities'),
    views: result('views'),
    bounceRate: result('bounceRate'),
    visitDuration: result('visitDuration'),
  };
}
