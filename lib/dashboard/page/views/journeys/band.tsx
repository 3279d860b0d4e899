import type { JSX } from 'preact';
import { formatNumber, formatPercent } from '../../format.js';
import type { Handlers } from './diagram.js';
import type { Band } from './layout.js';
import { nameOf } from './ways.js';

/** A way; the keyboard comes to it by arrow keys, else there were hundreds of stops. */
export function BandPath(props: { band: Band; isLit: boolean; handlers: Handlers }): JSX.Element {
  const { band, isLit, handlers } = props;
  const { from, to, visits } = band.way;
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
