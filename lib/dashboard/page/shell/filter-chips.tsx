import type { JSX } from 'preact';
import { Icon } from '../parts/icon.js';
import { go, hrefWith, useAddress } from '../state/address.js';
import { filtersOf, withoutFilters } from '../state/filters.js';

const text = (value: string): string => (value === '' ? 'none' : value);

/** What is filtered by, each taken away by a click. */
export function FilterChips(): JSX.Element {
  const address = useAddress();
  const filters = filtersOf(address);
  const areBotsIn = address.get('bots') === 'true';
  return (
    <div class="chips" role="group" aria-label="Filters">
      {filters.map(({ parameter, label, value }) => (
        <a key={parameter} class="chip" href={hrefWith(address, { [parameter]: null })} title={text(value)}>
          <span class="chip-label">{label}</span>
          <span class="chip-value">{text(value)}</span>
          <span class="hidden">: take the filter away</span>
          <Icon name="close" />
        </a>
      ))}
      {filters.length > 1 && (
        <a class="chip plain" href={hrefWith(address, withoutFilters(address))}>
          Clear all
        </a>
      )}
      <label class="check">
        <input type="checkbox" checked={areBotsIn} onChange={() => go({ bots: areBotsIn ? null : 'true' })} />
        Bots too
      </label>
    </div>
  );
}
