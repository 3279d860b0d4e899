import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import type { VisitRecord } from '../../../../statistics/statistics.types.js';
import type { Json } from '../../data/request.js';
import { formatDuration, formatMoment, formatNumber } from '../../format.js';
import { Icon } from '../../parts/icon.js';
import { Device, Visitor } from '../../parts/activity.js';
import { hrefWith, useUrl } from '../../state/url.js';
import { Timeline } from './timeline.js';

interface VisitItemProps {
  visit: Json<VisitRecord>;
  isOpen: boolean;
  timeZone: string;
}

/** A visit in one line; a click opens its activities. */
export function VisitItem({ visit, isOpen, timeZone }: VisitItemProps): JSX.Element {
  const url = useUrl();
  const item = useRef<HTMLLIElement>(null);
  useEffect(() => {
    if (isOpen) item.current?.scrollIntoView({ block: 'nearest' });
  }, [isOpen]);
  const { id, session, user, startedAt, duration, entry, exit, referrer, utmCampaign, count } = visit;
  const started = new Date(startedAt);
  const userName = visit.activities.findLast((activity) => activity.userName !== null)?.userName;
  return (
    <li ref={item} class={`visit ${isOpen ? 'is-open' : ''}`}>
      <div class="visit-line">
        <a
          class="visit-toggle"
          href={hrefWith(url, { open: isOpen ? null : id })}
          aria-expanded={isOpen}
          aria-label={`Visit of ${formatMoment(started, timeZone)}`}
        >
          <Icon name="chevron" />
          <time dateTime={startedAt}>{formatMoment(started, timeZone)}</time>
        </a>
        <Visitor user={user} userName={userName} session={session?.id ?? null} />
        <span class="visit-way">
          <span class="path" title={entry}>
            {entry}
          </span>
          {exit !== entry && (
            <>
              <span class="muted" aria-label="to">
                →
              </span>
              <span class="path" title={exit}>
                {exit}
              </span>
            </>
          )}
        </span>
        <span class="visit-from muted" title={referrer ?? undefined}>
          {utmCampaign ?? referrer ?? ''}
        </span>
        <span class="visit-count">
          {formatNumber(count)}{' '}
          <span class="muted">
            {count === 1 ? 'activity' : 'activities'}
            {duration > 0 && (
              <>
                , <span class="nowrap">{formatDuration(duration)}</span>
              </>
            )}
          </span>
        </span>
        {session ? (
          <Device browser={session.browser} system={session.system} device={session.device} />
        ) : (
          <span class="device muted">no browser</span>
        )}
      </div>
      {isOpen && <Timeline visit={visit} timeZone={timeZone} />}
    </li>
  );
}
