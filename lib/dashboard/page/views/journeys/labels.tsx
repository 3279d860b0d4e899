import type { JSX } from 'preact';
import { formatCompact, formatNumber } from '../../format.js';
import { BOX_WIDTH, type Layout } from './layout.js';
import { type Anchor, nameOf, stepName } from './journey-graph.js';

/** The width of a letter in pixels, approximately. */
const LETTER = 7;

/** Pixels; longer names would hide too many links, and the last column has no more room. */
const MAX = 200;

interface LabelsProps {
  layout: Layout;
  steps: number[];
  anchor: Anchor;
  lit: Set<string> | undefined;
}

/** The names in the diagram. Screen readers read the labels of the boxes instead, which are not shortened. */
export function Labels({ layout: { boxes, pitch }, steps, anchor, lit }: LabelsProps): JSX.Element {
  const room = Math.min(pitch, MAX) - BOX_WIDTH - 20;
  return (
    <g class="labels" aria-hidden="true">
      {steps.map((step, i) => {
        const visits = boxes.reduce((sum, { node }) => (node.step === step ? sum + node.visits : sum), 0);
        return (
          <text key={step} x={i * pitch} y={14}>
            <tspan class="column-name">{stepName(step, anchor)}</tspan>
            <tspan x={i * pitch} dy={16} class="muted">
              {formatNumber(visits)} visits
            </tspan>
          </text>
        );
      })}
      {boxes.map(({ node: { id, path, visits }, x, y, height }) => {
        const count = formatCompact(visits);
        return (
          <text
            key={id}
            class={`${path === null ? 'muted' : ''} ${lit && !lit.has(id) ? 'is-dim' : ''}`}
            x={x + BOX_WIDTH + 6}
            y={y + height / 2}
            dy="0.35em"
          >
            {shortened(nameOf(path), Math.floor(room / LETTER) - count.length - 1)}
            <tspan class="muted" dx={6}>
              {count}
            </tspan>
          </text>
        );
      })}
    </g>
  );
}

/** Shortens in the middle, because paths often differ at their end. */
function shortened(text: string, max: number): string {
  if (text.length <= max) return text;
  const half = Math.floor((max - 1) / 2);
  return `${text.slice(0, max - 1 - half)}…${text.slice(-half)}`;
}
