import type { JSX } from 'preact';
import { formatNumber, formatPercent } from '../../format.js';
import {
  type Anchor,
  nameOf,
  STEP_KINDS,
  type StepKind,
  stepName,
  type JourneyGraph,
} from './journey-graph.js';

/** The diagram as tables. */
export function JourneyTables({
  graph: { nodes, links },
  by,
  anchor,
}: {
  graph: JourneyGraph;
  by: StepKind;
  anchor: Anchor;
}): JSX.Element {
  return (
    <div class="journey-tables">
      <div class="scroll" tabIndex={0} role="region" aria-label={`${STEP_KINDS[by]} of each step`}>
        <table class="plain-table">
          <thead>
            <tr>
              <th scope="col">{by === 'route' ? 'Route' : 'Page'}</th>
              <th scope="col" class="text">
                Step
              </th>
              <th scope="col">Visits</th>
              <th scope="col">{anchor === 'end' ? 'Began here' : 'Ended here'}</th>
            </tr>
          </thead>
          <tbody>
            {nodes.map((node) => (
              <tr key={node.id}>
                <th scope="row">{nameOf(node.path)}</th>
                <td class="text">{stepName(node.step, anchor)}</td>
                <td>{formatNumber(node.visits)}</td>
                <td>{node.rest === undefined ? '–' : formatNumber(node.rest)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="scroll" tabIndex={0} role="region" aria-label="Paths from step to step">
        <table class="plain-table">
          <thead>
            <tr>
              <th scope="col">From</th>
              <th scope="col" class="text">
                Step
              </th>
              <th scope="col" class="text">
                To
              </th>
              <th scope="col">Visits</th>
              <th scope="col">Share</th>
            </tr>
          </thead>
          <tbody>
            {links.map(({ id, from, to, visits }) => (
              <tr key={id}>
                <th scope="row">{nameOf(from.path)}</th>
                <td class="text">{stepName(from.step, anchor)}</td>
                <td class="text">{nameOf(to.path)}</td>
                <td>{formatNumber(visits)}</td>
                <td>{formatPercent(visits / from.visits)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </div>
  );
}
