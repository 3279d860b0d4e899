import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { formatRange, formatZone } from '../format.js';
import { Select } from '../parts/choice.js';
import { Icon } from '../parts/icon.js';
import { useAbout } from '../state/about.js';
import { useNow } from '../state/now.js';
import {
  COMPARISONS,
  parseComparison,
  neighbourParameters,
  RANGES,
  type RangeName,
  parseRangeName,
  parseRange,
  rangeParameters,
  findRangeProblem,
} from '../state/range.js';
import { hrefWith, navigate, useUrl } from '../state/url.js';
import { type ViewName, WITHOUT_RANGE } from '../state/view.js';
import { CustomRange } from './custom-range.js';
import { FilterChips } from './filter-chips.js';

/** Views with a comparison. */
const COMPARING: ViewName[] = ['overview', 'user'];

interface ToolbarProps {
  view: ViewName;
  /** False until the range and its time zone are known. */
  isReady: boolean;
  onRefresh: () => void;
}

/** Filters, range, time zone and comparison. */
export function Toolbar({ view, isReady, onRefresh }: ToolbarProps): JSX.Element {
  const url = useUrl();
  const now = useNow();
  const { since } = useAbout();
  const [isChoosing, setChoosing] = useState(false);
  const range = parseRange(url, now, since);
  const name = parseRangeName(url);
  const choose = (chosen: RangeName): void => {
    if (chosen === 'custom') setChoosing(true);
    else navigate(rangeParameters(chosen));
  };
  return (
    <section class="toolbar" aria-label="Range and filters">
      {view !== 'health' && <FilterChips />}
      {!WITHOUT_RANGE.includes(view) && isReady && (
        <div class="controls">
          <button
            type="button"
            class="plain range-text"
            title="Choose dates and time zone"
            onClick={() => setChoosing(true)}
          >
            <span>
              {findRangeProblem(url) === undefined
                ? formatRange(range.from, range.to, range.timeZone)
                : 'Choose dates'}
            </span>
            <span class="range-zone">{formatZone(range.timeZone)}</span>
          </button>
          <div class="range">
            <Neighbour direction={-1} label="Previous range" />
            <Select label="Range" value={name} options={RANGES} onChange={choose} />
            <Neighbour direction={1} label="Next range" />
          </div>
          {COMPARING.includes(view) && name !== 'all' && (
            <Select
              label="Compared to"
              value={parseComparison(url)}
              options={COMPARISONS}
              onChange={(compare) => navigate({ compare: compare === 'previous' ? null : compare })}
            />
          )}
          <button
            type="button"
            class="plain refresh"
            title="Refresh"
            aria-label="Refresh"
            onClick={onRefresh}
          >
            <Icon name="refresh" />
          </button>
        </div>
      )}
      {isChoosing && <CustomRange range={range} onClose={() => setChoosing(false)} />}
    </section>
  );
}

/** An arrow to the previous or next range. */
function Neighbour({ direction, label }: { direction: 1 | -1; label: string }): JSX.Element {
  const url = useUrl();
  const parameters = neighbourParameters(url, useNow(), direction);
  const icon = <Icon name={direction < 0 ? 'back' : 'chevron'} />;
  return parameters ? (
    <a class="button plain" href={hrefWith(url, parameters)} aria-label={label} title={label}>
      {icon}
    </a>
  ) : (
    <span class="button plain is-disabled" role="link" aria-disabled="true" aria-label={label}>
      {icon}
    </span>
  );
}
