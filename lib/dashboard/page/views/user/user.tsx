import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Activity } from '../../../../activity/activity.js';
import type { Overview, TopRow } from '../../../../statistics/statistics.types.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { useQuery } from '../../data/use-query.js';
import { formatAgo } from '../../format.js';
import { Bars } from '../../parts/bars.js';
import { Card, NothingHere, QueryResult, SkeletonRows } from '../../parts/card.js';
import { Icon } from '../../parts/icon.js';
import { useUrl } from '../../state/url.js';
import { type TableDimension, TOP_MEASURE_WORDS } from '../../state/dimensions.js';
import { parseMeasure } from '../../state/measures.js';
import { useNow } from '../../state/now.js';
import { computeComparedRange } from '../../state/range.js';
import { MeasureCards, MeasureCardsSkeleton } from '../overview/measure-cards.js';
import { MeasureChart } from '../overview/measure-chart.js';
import { buildRanking } from '../overview/ranking.js';
import { VisitList } from '../visits/visit-list.js';
import { EraseDialog } from './erase-dialog.js';

const TABLES: TableDimension[] = ['device', 'browser', 'system', 'country', 'language', 'path', 'name'];

/** The profile of a user: metrics, devices, visits, export and erasure. */
export function User(): JSX.Element {
  const url = useUrl();
  const now = useNow();
  const [isErasing, setErasing] = useState(false);
  const { range, parameters } = useQuestion();
  const user = url.get('user') ?? '';
  const compareTo = computeComparedRange(url, range);
  const overview = useQuery<Overview>(pathOf('stats/overview', parameters, { compareTo }));
  const latest = useQuery<{ items: Activity[] }>(pathOf('activities', { user, limit: 1 }));
  const last = latest.value?.items[0];
  const name = last?.userName ?? user;
  const measure = parseMeasure(url);
  const exportHref = (format: string): string => `data/${pathOf('activities/export', { format, user })}`;
  return (
    <>
      <header class="user-head">
        <span class="avatar" aria-hidden="true">
          {name.slice(0, 1).toUpperCase()}
        </span>
        <div>
          <h1>{name}</h1>
          <p class="muted">
            ID {user}
            {last && `, last seen ${formatAgo(new Date(last.date), now)}`}
          </p>
        </div>
        <div class="user-actions">
          <a class="button" href={exportHref('csv')} download>
            <Icon name="download" /> CSV
          </a>
          <a class="button" href={exportHref('ndjson')} download>
            <Icon name="download" /> NDJSON
          </a>
          <button type="button" class="danger" onClick={() => setErasing(true)}>
            <Icon name="trash" /> Erase …
          </button>
        </div>
      </header>
      <section class="card measures-card" aria-label="Metrics">
        <QueryResult answer={overview} skeleton={<MeasureCardsSkeleton />}>
          {(value) => <MeasureCards overview={value} chosen={measure} />}
        </QueryResult>
        <MeasureChart measure={measure} compared={overview.value?.compared} />
      </section>
      <div class="cards is-narrow">
        {TABLES.map((dimension) => (
          <UserTable key={dimension} dimension={dimension} />
        ))}
      </div>
      <Card title="Visits" class="visits">
        <VisitList parameters={parameters} />
      </Card>
      {isErasing && <EraseDialog user={user} name={name} onClose={() => setErasing(false)} />}
    </>
  );
}

function UserTable({ dimension }: { dimension: TableDimension }): JSX.Element {
  const url = useUrl();
  const { parameters } = useQuestion();
  const { title, one, measure } = buildRanking(dimension, url);
  const answer = useQuery<{ items: TopRow[] }>(
    pathOf('stats/top', { dimension, measure, limit: 5 }, parameters),
  );
  return (
    <Card title={title}>
      <QueryResult answer={answer} skeleton={<SkeletonRows count={5} />}>
        {({ items }) =>
          items.length === 0 ? (
            <NothingHere />
          ) : (
            <Bars
              head={[one, TOP_MEASURE_WORDS[measure]]}
              bars={items.map((row) => buildRanking(dimension, url).toBar(row, url))}
            />
          )
        }
      </QueryResult>
    </Card>
  );
}
