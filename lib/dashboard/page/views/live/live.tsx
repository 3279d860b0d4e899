import type { JSX } from 'preact';
import type { Live as LiveAnswer } from '../../../../statistics/statistics.types.js';
import { pathOf } from '../../data/question.js';
import { usePolled } from '../../data/use-polled.js';
import { formatNumber } from '../../format.js';
import { Bars } from '../../parts/bars.js';
import { QueryResult, Card, Empty, SkeletonRows } from '../../parts/card.js';
import { useUrl } from '../../state/url.js';
import { filterHref, filterParameters } from '../../state/filters.js';
import { parseTimeZone } from '../../state/range.js';
import { ActivityStream } from './activity-stream.js';
import { LastMinutes } from './last-minutes.js';
import { VisitorsNow } from './visitors-now.js';

const MINUTES = 5;
const POLL = 5_000;

/** Active visitors, and live activities. */
export function Live(): JSX.Element {
  const url = useUrl();
  const parameters = { ...filterParameters(url), timeZone: parseTimeZone(url) };
  const answer = usePolled<LiveAnswer>(pathOf('stats/live', parameters, { minutes: MINUTES }), POLL);
  const { value } = answer;
  return (
    <div class="live">
      <section class="card live-now" aria-label="Now">
        <div class="live-counts" role="status">
          <p>
            <span class="live-count" data-live="sessions">
              {value ? formatNumber(value.sessions) : '–'}
            </span>
            {value?.sessions === 1 ? 'visitor' : 'visitors'} in the last {MINUTES} minutes
          </p>
          <p class="muted">
            {value
              ? `${formatNumber(value.users)} logged in, ${formatNumber(value.activities)} activities`
              : ' '}
          </p>
        </div>
        <LastMinutes parameters={parameters} />
      </section>
      <div class="live-columns">
        <div class="live-column">
          <Card title="Active visitors">
            <QueryResult answer={answer} skeleton={<SkeletonRows />}>
              {({ visitors }) => <VisitorsNow visitors={visitors} />}
            </QueryResult>
          </Card>
          <Card title="Active pages">
            <QueryResult answer={answer} skeleton={<SkeletonRows />}>
              {({ visitors }) =>
                visitors.length === 0 ? (
                  <Empty>No active visitors</Empty>
                ) : (
                  <Bars
                    head={['Page', 'Visitors']}
                    bars={counted(visitors.map(({ path }) => path)).map(([path, count]) => ({
                      key: path,
                      label: path,
                      title: path,
                      count,
                      href: filterHref(url, 'path', path),
                    }))}
                  />
                )
              }
            </QueryResult>
          </Card>
        </div>
        <ActivityStream filter={parameters} visitors={value?.visitors ?? []} />
      </div>
    </div>
  );
}

/** Counts values; the most frequent first. */
function counted(values: string[]): [value: string, count: number][] {
  const counts = new Map<string, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a).slice(0, 8);
}
