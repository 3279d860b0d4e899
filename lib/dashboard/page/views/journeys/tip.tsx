import type { JSX } from 'preact';
import { formatNumber, formatPercent } from '../../format.js';
import type { Thing } from './follow.js';
import { BOX_WIDTH, HEAD, type Layout } from './layout.js';
import { type Anchor, nameOf, type Place } from './ways.js';

interface TipProps {
  thing: Thing;
  layout: Layout;
  anchor: Anchor;
}

/** The numbers of what is looked at, beside it. */
export function Tip({ thing, layout, anchor }: TipProps): JSX.Element | null {
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
          <Rest place={thing.place} anchor={anchor} />
        </>
      )}
    </div>
  );
}

/** The visits that went no further, or came from nowhere. */
function Rest({ place: { rest, visits }, anchor }: { place: Place; anchor: Anchor }): JSX.Element | null {
  if (rest === undefined) return null;
  return (
    <span class="muted">
      {formatNumber(rest)} {anchor === 'end' ? 'began' : 'ended'} here ({formatPercent(rest / visits)})
    </span>
  );
}

function placeOf({ place, way }: Thing, { boxes, bands }: Layout): { x: number; y: number } | undefined {
  if (way) return bands.find((band) => band.way === way)?.middle;
  const box = boxes.find((each) => each.place === place);
  return box && { x: box.x + BOX_WIDTH, y: box.y + box.height / 2 + 10 };
}
