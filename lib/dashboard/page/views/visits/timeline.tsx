import type { JSX } from 'preact';
import type { VisitRecord } from '../../../../statistics/statistics.types.js';
import type { Json } from '../../data/request.js';
import { formatDuration, formatNumber, formatSeconds } from '../../format.js';
import { Properties, SubjectLink } from '../../parts/activity.js';
import { filterHref } from '../../state/filters.js';
import { hrefWith, useUrl } from '../../state/url.js';

/** Shortest pause, in seconds, that is shown between two activities. */
const PAUSE = 60;

/** The activities of a visit. */
export function Timeline({ visit, timeZone }: { visit: Json<VisitRecord>; timeZone: string }): JSX.Element {
  const url = useUrl();
  const { activities, count, session, referrer, utmSource, utmMedium, utmCampaign } = visit;
  const facts = [
    ['Came from', referrer],
    ['Source', utmSource],
    ['Medium', utmMedium],
    ['Campaign', utmCampaign],
    ['User agent', session?.userAgent ?? null],
  ].filter(([, value]) => value);
  return (
    <div class="timeline">
      {facts.length > 0 && (
        <dl class="facts">
          {facts.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
        </dl>
      )}
      <ol>
        {activities.map(({ id, date, name, path, subject, properties, userName, userId }, i) => {
          const previous = activities[i - 1];
          const pause = previous ? (+new Date(date) - +new Date(previous.date)) / 1000 : 0;
          const hasLoggedIn = previous && userId !== previous.userId;
          return (
            <li key={id} class={name === 'view' ? 'is-view' : ''}>
              {pause >= PAUSE && <span class="pause muted">{formatDuration(pause)} later</span>}
              {hasLoggedIn && (
                <span class="pause muted">
                  {userId === null ? 'logged out' : `logged in as ${userName ?? userId}`}
                </span>
              )}
              <span class="moment">
                <time dateTime={date} class="muted">
                  {formatSeconds(new Date(date), timeZone)}
                </time>
                <a class="doing" href={filterHref(url, 'name', name)}>
                  {name}
                </a>
                <a class="path" href={filterHref(url, 'path', path)} title={path}>
                  {path}
                </a>
                <SubjectLink subject={subject} />
                <Properties of={properties} />
              </span>
            </li>
          );
        })}
      </ol>
      {count > activities.length && (
        <p class="muted">and {formatNumber(count - activities.length)} more activities</p>
      )}
      {session && (
        <p>
          <a class="link" href={hrefWith(url, { session: session.id, open: null, view: 'visits' })}>
            All visits of this visitor
          </a>
        </p>
      )}
    </div>
  );
}
