import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { LiveVisitor } from '../../../../statistics/statistics.types.js';
import { useStream } from '../../data/use-stream.js';
import { formatAgo } from '../../format.js';
import { Card, Empty } from '../../parts/card.js';
import { Properties, SubjectLink, Visitor } from '../../parts/activity.js';
import { passesFilters } from './stream-filter.js';
import { useClock } from '../../parts/hooks.js';

const SHOWN = 50;

interface ActivityStreamProps {
  filter: Record<string, string>;
  visitors: LiveVisitor[];
}

/** Live activities, the latest first; the viewer can pause it. */
export function ActivityStream({ filter, visitors }: ActivityStreamProps): JSX.Element {
  const { activities, isOpen, isTroubled } = useStream();
  const [held, setHeld] = useState<typeof activities>();
  const now = useClock();
  const shown = (held ?? activities)
    .filter((activity) => passesFilters(activity, filter, visitors))
    .slice(0, SHOWN);
  const state = isTroubled
    ? 'The server cannot read its database.'
    : isOpen
      ? held
        ? 'Paused'
        : 'Connected'
      : 'Connecting …';
  return (
    <Card
      title="Activity feed"
      class="stream"
      actions={
        <>
          <span class={`stream-state ${isOpen && !isTroubled ? '' : 'is-worse'}`} role="status">
            {isOpen && !held && <span class="dot" aria-hidden="true" />} {state}
          </span>
          <button
            type="button"
            class="plain"
            aria-pressed={held !== undefined}
            onClick={() => setHeld(held ? undefined : activities)}
          >
            {held ? 'Resume' : 'Pause'}
          </button>
        </>
      }
    >
      {shown.length === 0 ? (
        <Empty>New activities appear here immediately.</Empty>
      ) : (
        <ol class="people scroll" tabIndex={0} aria-label="Activities">
          {shown.map(({ id, date, name, path, subject, properties, userId, userName, sessionId }) => (
            <li key={id} class="is-new">
              <Visitor user={userId} userName={userName} session={sessionId} />
              <span class="doing">{name}</span>
              <span class="path" title={path}>
                {path}
              </span>
              <SubjectLink subject={subject} />
              <time class="muted" dateTime={date}>
                {formatAgo(new Date(date), now)}
              </time>
              <Properties of={properties} max={3} />
            </li>
          ))}
        </ol>
      )}
    </Card>
  );
}
