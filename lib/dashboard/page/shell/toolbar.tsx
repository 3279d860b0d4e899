import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { formatRange } from '../format.js';
import { Select } from '../parts/choice.js';
import { Icon } from '../parts/icon.js';
import { go, useAddress } from '../state/address.js';
import { useNow } from '../state/now.js';
import { COMPARISONS, comparisonOf, RANGES, type RangeName, rangeNameOf, rangeOf } from '../state/range.js';
import type { ViewName } from '../state/view.js';
import { CustomRange } from './custom-range.js';
import { FilterChips } from './filter-chips.js';

/** Views that show figures beside those of another range. */
const COMPARING: ViewName[] = ['overview', 'user'];

interface ToolbarProps {
  view: ViewName;
  onRefresh: () => void;
}

/** Of when, compared to what, in which time zone, of whom. */
export function Toolbar({ view, onRefresh }: ToolbarProps): JSX.Element {
  const address = useAddress();
  const now = useNow();
  const [isChoosing, setChoosing] = useState(false);
  const range = rangeOf(address, now);
  const choose = (name: RangeName): void => {
    if (name === 'custom') setChoosing(true);
    else go({ range: name === '30d' ? null : name, from: null, to: null });
  };
  return (
    <section class="toolbar" aria-label="Range and filters">
      <FilterChips />
      {view !== 'live' && (
        <div class="controls">
          <button
            type="button"
            class="plain range-text"
            title="Choose the days"
            onClick={() => setChoosing(true)}
          >
            {formatRange(range.from, range.to, range.timeZone)}
          </button>
          <Select label="Range" value={rangeNameOf(address)} options={RANGES} onChange={choose} />
          {COMPARING.includes(view) && (
            <Select
              label="Compared to"
              value={comparisonOf(address)}
              options={COMPARISONS}
              onChange={(compare) => go({ compare: compare === 'previous' ? null : compare })}
            />
          )}
          <button type="button" class="plain" title="Ask again" aria-label="Ask again" onClick={onRefresh}>
            <Icon name="refresh" />
          </button>
        </div>
      )}
      {isChoosing && <CustomRange range={range} onClose={() => setChoosing(false)} />}
    </section>
  );
}
