import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Icon } from '../parts/icon.js';
import { navigate, hrefWith, useUrl } from '../state/url.js';
import { parseFilters, formatValues, OPERATORS, withoutFilters } from '../state/filters.js';
import { AddFilter } from './add-filter.js';

/** The active filters; a click removes one. */
export function FilterChips(): JSX.Element {
  const url = useUrl();
  const filters = parseFilters(url);
  const [isAdding, setAdding] = useState(false);
  const areBotsIn = url.get('bots') === 'true';
  return (
    <div class="chips" role="group" aria-label="Filters">
      {filters.map((filter) => {
        const { parameter, label, operator } = filter;
        const value = formatValues(filter);
        return (
          <a key={parameter} class="chip" href={hrefWith(url, { [parameter]: null })} title={value}>
            <span class="chip-label">
              {label}
              {operator !== '' && ` ${OPERATORS[operator]}`}
            </span>
            <span class="chip-value">{value}</span>
            <span class="hidden">: remove this filter</span>
            <Icon name="close" />
          </a>
        );
      })}
      {filters.length > 1 && (
        <a class="chip plain" href={hrefWith(url, withoutFilters(url))}>
          Clear all
        </a>
      )}
      <button type="button" class="chip plain" onClick={() => setAdding(true)}>
        Add filter
      </button>
      <label class="check">
        <input
          type="checkbox"
          checked={areBotsIn}
          onChange={() => navigate({ bots: areBotsIn ? null : 'true' })}
        />
        Include bots
      </label>
      {isAdding && <AddFilter onClose={() => setAdding(false)} />}
    </div>
  );
}
