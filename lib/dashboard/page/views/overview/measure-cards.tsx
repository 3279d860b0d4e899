import type { JSX } from 'preact';
import type { Figure, Measure, Overview } from '../../../../statistics/statistics.types.js';
import { formatChange, formatDate } from '../../format.js';
import { Icon } from '../../parts/icon.js';
import { useAbout } from '../../state/about.js';
import {
  isCovered,
  formatMeasure,
  isBetterLow,
  MEASURE_HINTS,
  MEASURES,
  measuresFor,
} from '../../state/measures.js';
import { hrefWith, useUrl } from '../../state/url.js';

/** Without users on the profile of a single user. */
function useMeasures(): Measure[] {
  const url = useUrl();
  const measures = measuresFor(url);
  return url.get('view') === 'user' ? measures.filter((measure) => measure !== 'users') : measures;
}

/** The measures with their change; the chart shows the selected one. */
export function MeasureCards({ overview, chosen }: { overview: Overview; chosen: Measure }): JSX.Element {
  const url = useUrl();
  const { since } = useAbout();
  const measures = useMeasures();
  const { compared } = overview;
  return (
    <div class="measures">
      {measures.map((measure) => {
        const result = overview[measure];
        return (
          <a
            key={measure}
            class="measure"
            href={hrefWith(url, { measure })}
            aria-current={measure === chosen ? 'true' : undefined}
          >
            <span class="measure-name" title={MEASURE_HINTS[measure]}>
              {MEASURES[measure]}
            </span>
            <span class="measure-value" data-measure={measure}>
              {formatMeasure(measure, result.value)}
            </span>
            {compared && isCovered(compared, since) && <Change result={result} measure={measure} />}
          </a>
        );
      })}
    </div>
  );
}

/** Returns the reason for a missing comparison. */
export function noDataBefore(since: string | null, timeZone: string): string {
  return since === null
    ? 'There is no earlier data'
    : `No data before ${formatDate(new Date(since), timeZone)}`;
}

function Change({ result, measure }: { result: Figure; measure: Measure }): JSX.Element | null {
  const { value, compared } = result;
  if (compared === undefined) return null;
  const title = `Before: ${formatMeasure(measure, compared)}`;
  if (value === null || compared === null || compared === 0) {
    return (
      <span class="change" title={title}>
        {compared === 0 && value ? 'from 0' : '–'}
      </span>
    );
  }
  const change = value / compared - 1;
  const isBetter = change > 0 !== isBetterLow(measure);
  const tone = Math.abs(change) < 0.005 ? '' : isBetter ? 'is-better' : 'is-worse';
  return (
    <span class={`change ${tone}`} title={title}>
      {Math.abs(change) >= 0.005 && <Icon name={change > 0 ? 'up' : 'down'} />}
      {formatChange(change)}
      <span class="hidden"> compared to {formatMeasure(measure, compared)}</span>
    </span>
  );
}

export function MeasureCardsSkeleton(): JSX.Element {
  const measures = useMeasures();
  return (
    <div class="measures" aria-hidden="true">
      {measures.map((measure) => (
        <div key={measure} class="measure">
          <span class="measure-name">{MEASURES[measure]}</span>
          <span class="measure-value skeleton">0</span>
          <span class="change skeleton">0</span>
        </div>
      ))}
    </div>
  );
}
