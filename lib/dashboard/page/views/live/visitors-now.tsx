import type { JSX } from 'preact';
import type { LiveVisitor } from '../../../../statistics/statistics.types.js';
import { formatAgo } from '../../format.js';
import { Empty } from '../../parts/card.js';
import { Device, Visitor } from '../../parts/activity.js';
import { useClock } from '../../parts/hooks.js';

/** Active visitors with their latest page and activity. */
export function VisitorsNow({ visitors }: { visitors: LiveVisitor[] }): JSX.Element {
  const now = useClock();
  if (visitors.length === 0) return <Empty>No active visitors</Empty>;
  return (
    <ul class="people scroll" tabIndex={0} aria-label="Active visitors">
      {visitors.map(({ session, user, userName, browser, system, device, date, path, name }) => (
        <li key={session ?? `user ${user}`}>
          <Visitor user={user} userName={userName} session={session} />
          <span class="doing">{name}</span>
          <span class="path" title={path}>
            {path}
          </span>
          <Device browser={browser} system={system} device={device} />
          <time class="muted" dateTime={date}>
            {formatAgo(new Date(date), now)}
          </time>
        </li>
      ))}
    </ul>
  );
}
