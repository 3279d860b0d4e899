import type { JSX } from 'preact';
import { formatNumber, formatPercent } from '../../format.js';
import type { Thing } from './follow.js';
import { BOX_WIDTH, HEAD, type Layout } from './layout.js';
import { type Anchor, begunAt, endedAt, nameOf, type Place } from './ways.js';

interface TipProps {
  thing: Thing;
  layout: Layout;
  steps: number[];
  anchor: Anchor;
}

/** The numbers of what is looked at, beside it. */
export function Tip({ thing, layout, steps, anchor }: TipProps): JSX.Element | null {
  const at = placeOf(thing, layout);
  if (!at) return null;
  const isLeft = at.x > layout.width / 2;
  return (
    <div
      class={`chart-tip way-tip ${isLeft ? 'is-left' : ''}`}
      role="status"
      style={{ left: `${at.x}px`, top: `${Math.min(at.y, layout.height - 2 * HEAD)}px` }}
    >
      {thing.way ? (
        <>
          <span>
            {nameOf(thing.way.from.path)} <span class="muted">to</span> {nameOf(thing.way.to.path)}
          </span>
          <strong>{formatNumber(thing.way.visits)} visits</strong>
          <span class="muted">{formatPercent(thing.way.visits / thing.way.from.visits)} of those there</span>
        </>
      ) : (
        <>
          <span>{nameOf(thing.place.path)}</span>
          <strong>{formatNumber(thing.place.visits)} visits</strong>
          <Rest place={thing.place} steps={steps} anchor={anchor} />
        </>
      )}
    </div>
  );
}

/** The visits that came from nowhere, or went no further. */
function Rest({
  place,
  steps,
  anchor,
}: {
  place: Place;
  steps: number[];
  anchor: Anchor;
}): JSX.Element | null {
  const isForward = anchor !== 'end';
  // Beyond the last step shown they may well go on.
  if (place.step === (isForward ? steps.at(-1) : steps[0]) && steps.length > 1) return null;
  const rest = isForward ? endedAt(place, steps) : begunAt(place, steps);
  return (
    <span class="muted">
      {formatNumber(rest)} {isForward ? 'ended' : 'began'} here ({formatPercent(rest / place.visits)})
    </span>
  );
}

function placeOf({ place, way }: Thing, { boxes, bands }: Layout): { x: number; y: number } | undefined {
  if (way) return bands.find((band) => band.way === way)?.middle;
  const box = boxes.find((each) => each.place === place);
  return box && { x: box.x + BOX_WIDTH, y: box.y + box.height / 2 + 10 };
}
