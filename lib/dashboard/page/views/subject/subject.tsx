import type { JSX } from 'preact';
import type { Activity } from '../../../../activity/activity.js';
import { pathOf, useQuestion } from '../../data/question.js';
import { usePages } from '../../data/use-pages.js';
import { formatMoment } from '../../format.js';
import { Properties, Visitor } from '../../parts/activity.js';
import { Card, Empty, QueryResult, SkeletonRows } from '../../parts/card.js';
import { Icon } from '../../parts/icon.js';
import { hrefWith, useUrl } from '../../state/url.js';

const PAGE = 50;

/** All activities of a subject, such as an order, in the range. */
export function Subject(): JSX.Element {
  const url = useUrl();
  const subject = url.get('subject') ?? '';
  const { from, to, timeZone = 'UTC' } = useQuestion().parameters;
  const asked = { subject, from, to };
  const { first, items, more, failure } = usePages<Activity>(pathOf('activities', asked, { limit: PAGE }));
  return (
    <>
      <header class="user-head">
        <div>
          <h1>{subject}</h1>
          <p class="muted">Activities of this subject in the range, the latest first</p>
        </div>
        <div class="user-actions">
          <a class="button" href={hrefWith(url, { view: null })}>
            Statistics
          </a>
          <a class="button" href={`data/${pathOf('activities/export', asked, { format: 'csv' })}`} download>
            <Icon name="download" /> CSV
          </a>
        </div>
      </header>
      <Card title="Activities" class="subject">
        <QueryResult answer={first} skeleton={<SkeletonRows count={10} />}>
          {() =>
            items.length === 0 ? (
              <Empty>This subject has no activities in this range.</Empty>
            ) : (
              <>
                <ol class="people">
                  {items.map(({ id, date, name, path, properties, userId, userName, sessionId }) => (
                    <li key={id}>
                      <Visitor user={userId} userName={userName} session={sessionId} />
                      <span class="doing">{name}</span>
                      <span class="path" title={path}>
                        {path}
                      </span>
                      <Properties of={properties} />
                      <time class="muted" dateTime={date}>
                        {formatMoment(new Date(date), timeZone)}
                      </time>
                    </li>
                  ))}
                </ol>
                {failure && <p role="alert">{failure.message}</p>}
                {more && (
                  <footer class="card-foot">
                    <button type="button" onClick={more}>
                      Show earlier activities
                    </button>
                  </footer>
                )}
              </>
            )
          }
        </QueryResult>
      </Card>
    </>
  );
}
