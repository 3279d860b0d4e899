import type { JSX } from 'preact';
import { formatNumber, formatPercent } from '../../format.js';
import { type Anchor, nameOf, stepName, type Ways } from './ways.js';

/** The same as the diagram, in words. */
export function WayTables({ ways: { places, ways }, anchor }: { ways: Ways; anchor: Anchor }): JSX.Element {
  return (
    <div class="way-tables">
      <div class="scroll" tabIndex={0} role="region" aria-label="Pages of each step">
        <table class="plain-table">
          <thead>
            <tr>
              <th scope="col">Page</th>
              <th scope="col" class="text">
                Step
              </th>
              <th scope="col">Visits</th>
              <th scope="col">{anchor === 'end' ? 'Began here' : 'Ended here'}</th>
            </tr>
          </thead>
          <tbody>
            {places.map((place) => (
              <tr key={place.id}>
                <th scope="row">{nameOf(place.path)}</th>
                <td class="text">{stepName(place.step, anchor)}</td>
                <td>{formatNumber(place.visits)}</td>
                <td>{place.rest === undefined ? '–' : formatNumber(place.rest)}</td>
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
            {ways.map(({ id, from, to, visits }) => (
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
