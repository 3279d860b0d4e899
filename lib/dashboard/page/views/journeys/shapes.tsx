import type { JSX } from 'preact';
import { formatNumber, formatPercent } from '../../format.js';
import { hrefWith, useUrl } from '../../state/url.js';
import { type Band, BOX_WIDTH, type Box } from './layout.js';
import { type Anchor, nameOf, stepName } from './journey-graph.js';

/** A link in an SVG has the type of an HTML element. */
export type Focusable = Pick<HTMLElement & SVGElement, 'focus'>;

/** Attributes that make a shape active while it has the focus or the pointer. */
export interface Handlers {
  ref: (element: Focusable | null) => void;
  onFocus: () => void;
  onBlur: () => void;
  onMouseEnter: () => void;
  onMouseLeave: () => void;
}

/** Pixels of the name next to the box, which can be clicked too. */
const LABEL_WIDTH = 180;

interface BoxShapeProps {
  box: Box;
  anchor: Anchor;
  pitch: number;
  isLit: boolean;
  handlers: Handlers;
  /** Called when the link is followed with the keyboard. */
  onFollow: () => void;
}

/** A page; its lower, paler part are the visits that ended there. */
export function BoxShape(props: BoxShapeProps): JSX.Element {
  const { box, anchor, pitch, isLit, handlers, onFollow } = props;
  const url = useUrl();
  const { node, x, y, height } = box;
  const { path, step, visits, rest = 0 } = node;
  const restHeight = (height * rest) / visits;
  const label = `${nameOf(path)}, ${stepName(step, anchor)}: ${formatNumber(visits)} visits${
    rest > 0 ? `, ${formatNumber(rest)} ${anchor === 'end' ? 'started' : 'ended'} here` : ''
  }`;
  const middle = y + height / 2;
  const shapes = (
    <>
      <rect class="box-room" x={x} y={middle - 9} width={Math.min(pitch - 8, LABEL_WIDTH)} height={18} />
      <rect class="box-all" x={x} y={y} width={BOX_WIDTH} height={height} rx={Math.min(3, height / 2)} />
      {restHeight > 0.5 && (
        <rect
          class="box-rest"
          x={x}
          y={y + height - restHeight}
          width={BOX_WIDTH}
          height={restHeight}
          rx={2}
        />
      )}
    </>
  );
  const name = `box ${path === null ? 'is-other' : ''} ${isLit ? 'is-lit' : ''}`;
  return path === null ? (
    <g class={name} role="img" aria-label={label} tabIndex={0} {...handlers}>
      {shapes}
    </g>
  ) : (
    <a
      class={name}
      href={hrefWith(url, { start: path, end: null })}
      aria-label={label}
      onClick={({ detail }) => {
        if (detail === 0) onFollow();
      }}
      {...handlers}
    >
      {shapes}
    </a>
  );
}

/** A link. Arrow keys reach it, the Tab key does not: there may be hundreds. */
export function BandPath(props: { band: Band; isLit: boolean; handlers: Handlers }): JSX.Element {
  const { band, isLit, handlers } = props;
  const { from, to, visits } = band.link;
  const isOther = from.path === null || to.path === null;
  return (
    <path
      class={`band ${isOther ? 'is-other' : ''} ${isLit ? 'is-lit' : ''}`}
      d={band.path}
      tabIndex={-1}
      role="img"
      aria-label={`${nameOf(from.path)} to ${nameOf(to.path)}: ${formatNumber(visits)} visits, ${formatPercent(visits / from.visits)}`}
      {...handlers}
    />
  );
}
