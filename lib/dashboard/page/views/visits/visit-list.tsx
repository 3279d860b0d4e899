import type { JSX } from 'preact';
import type { VisitRecord } from '../../../../statistics/statistics.types.js';
import type { Json } from '../../data/request.js';
import { pathOf } from '../../data/question.js';
import { useQuery } from '../../data/use-query.js';
import { usePages } from '../../data/use-pages.js';
import { NothingHere, QueryResult, SkeletonRows } from '../../parts/card.js';
import { downloadCsv } from '../../parts/export-button.js';
import { Icon } from '../../parts/icon.js';
import { useUrl } from '../../state/url.js';
import { useNow } from '../../state/now.js';
import { VisitItem } from './visit-item.js';

const PAGE = 20;
const DAY = 86_400_000;

/** Visits, the latest first; the visit in the URL is open. */
export function VisitList({ parameters }: { parameters: Record<string, string> }): JSX.Element {
  const url = useUrl();
  const now = useNow();
  const { first, items, more, failure } = usePages<VisitRecord>(
    pathOf('stats/visits', parameters, { limit: PAGE }),
  );
  const open = url.get('open') ?? undefined;
  const isMissing = open !== undefined && first.value !== undefined && items.every(({ id }) => id !== open);
  // A shared visit is shown even if it is not on this page.
  const sent = useQuery<{ items: VisitRecord[] }>(
    isMissing
      ? pathOf('stats/visits', {
          visit: open,
          bots: 'true',
          timeZone: parameters.timeZone,
          from: new Date(0).toISOString(),
          to: new Date(+now + DAY).toISOString(),
        })
      : undefined,
  );
  const shown = isMissing ? [...(sent.value?.items ?? []), ...items] : items;
  return (
    <QueryResult answer={first} skeleton={<SkeletonRows count={10} />}>
      {() =>
        shown.length === 0 ? (
          <NothingHere />
        ) : (
          <>
            <ol class="visit-list">
              {shown.map((visit) => (
                <VisitItem
                  key={visit.id}
                  visit={visit}
                  isOpen={visit.id === open}
                  timeZone={parameters.timeZone ?? 'UTC'}
                />
              ))}
            </ol>
            {failure && <p role="alert">{failure.message}</p>}
            <footer class="card-foot">
              <button type="button" class="plain" onClick={() => download(shown)}>
                <Icon name="download" /> Export page as CSV
              </button>
              {more && (
                <button type="button" onClick={more}>
                  Show earlier visits
                </button>
              )}
            </footer>
          </>
        )
      }
    </QueryResult>
  );
}

function download(visits: Json<VisitRecord>[]): void {
  const head = ['id', 'startedAt', 'seconds', 'user', 'session', 'entry', 'exit', 'referrer', 'activities'];
  downloadCsv('visits', [
    [...head, 'views', 'browser', 'system', 'device', 'country', 'language'],
    ...visits.map((visit) => [
      visit.id,
      visit.startedAt,
      visit.duration,
      visit.user,
      visit.session?.id ?? null,
      visit.entry,
      visit.exit,
      visit.referrer,
      visit.count,
      visit.views,
      visit.session?.browser ?? null,
      visit.session?.system ?? null,
      visit.session?.device ?? null,
      visit.session?.country ?? null,
      visit.session?.language ?? null,
    ]),
  ]);
}
