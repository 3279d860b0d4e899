import type { JSX } from 'preact';
import { formatNumber, formatPercent } from '../../format.js';
import { BOX_WIDTH, HEAD, type Layout } from './layout.js';
import { type ActiveItem, type Anchor, type JourneyNode, nameOf } from './journey-graph.js';

interface TipProps {
  item: ActiveItem;
  layout: Layout;
  anchor: Anchor;
}

/** The numbers of the active item, next to it. */
export function Tip({ item, layout, anchor }: TipProps): JSX.Element | null {
  const at = positionOf(item, layout);
  if (!at) return null;
  const isLeft = at.x > layout.width / 2;
  return (
    <div
      class={`chart-tip journey-tip ${isLeft ? 'is-left' : ''}`}
      role="status"
      style={{ left: `${at.x}px`, top: `${Math.min(at.y, layout.height - 2 * HEAD)}px` }}
    >
      {item.link ? (
        <>
          <span>
            {nameOf(item.link.from.path)} <span class="muted">to</span> {nameOf(item.link.to.path)}
          </span>
          <strong>{formatNumber(item.link.visits)} visits</strong>
          <span class="muted">{formatPercent(item.link.visits / item.link.from.visits)} of those there</span>
        </>
      ) : (
        <>
          <span>{nameOf(item.node.path)}</span>
          <strong>{formatNumber(item.node.visits)} visits</strong>
          <Rest node={item.node} anchor={anchor} />
        </>
      )}
    </div>
  );
}

/** The visits that ended or started here. */
function Rest({ node: { rest, visits }, anchor }: { node: JourneyNode; anchor: Anchor }): JSX.Element | null {
  if (rest === undefined) return null;
  return (
    <span class="muted">
      {formatNumber(rest)} {anchor === 'end' ? 'started' : 'ended'} here ({formatPercent(rest / visits)})
    </span>
  );
}

function positionOf(
  { node, link }: ActiveItem,
  { boxes, bands }: Layout,
): { x: number; y: number } | undefined {
  if (link) return bands.find((band) => band.link === link)?.middle;
  const box = boxes.find((each) => each.node === node);
  return box && { x: box.x + BOX_WIDTH, y: box.y + box.height / 2 + 10 };
}
