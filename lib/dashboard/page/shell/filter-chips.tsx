import type { JSX } from 'preact';
import { Icon } from '../parts/icon.js';
import { navigate, hrefWith, useUrl } from '../state/url.js';
import { filtersOf, withoutFilters } from '../state/filters.js';

const text = (value: string): string => (value === '' ? 'none' : value);

/** The active filters; a click removes one. */
export function FilterChips(): JSX.Element {
  const url = useUrl();
  const filters = filtersOf(url);
  const areBotsIn = url.get('bots') === 'true';
  return (
    <div class="chips" role="group" aria-label="Filters">
      {filters.map(({ parameter, label, value }) => (
        <a key={parameter} class="chip" href={hrefWith(url, { [parameter]: null })} title={text(value)}>
          <span class="chip-label">{label}</span>
          <span class="chip-value">{text(value)}</span>
          <span class="hidden">: remove this filter</span>
          <Icon name="close" />
        </a>
      ))}
      {filters.length > 1 && (
        <a class="chip plain" href={hrefWith(url, withoutFilters(url))}>
          Clear all
        </a>
      )}
      <label class="check">
        <input
          type="checkbox"
          checked={areBotsIn}
          onChange={() => navigate({ bots: areBotsIn ? null : 'true' })}
        />
        Include bots
      </label>
    </div>
  );
}
