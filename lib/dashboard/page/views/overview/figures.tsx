import type { JSX } from 'preact';
import type { Figure, Measure, Overview } from '../../../../statistics/statistics.types.js';
import { formatChange, formatDate } from '../../format.js';
import { Icon } from '../../parts/icon.js';
import { useAbout } from '../../state/about.js';
import { isCovered } from '../../state/comparison.js';
import { formatFigure, isBetterLow, MEASURE_HINTS, MEASURES, measuresFor } from '../../state/measures.js';
import { hrefWith, useUrl } from '../../state/url.js';

/** Without users on the profile of a single user. */
function useMeasures(): Measure[] {
  const url = useUrl();
  const measures = measuresFor(url);
  return url.get('view') === 'user' ? measures.filter((measure) => measure !== 'users') : measures;
}

/** The figures with their change; the chart shows the selected one. */
export function Figures({ overview, chosen }: { overview: Overview; chosen: Measure }): JSX.Element {
  const url = useUrl();
  const { since } = useAbout();
  const measures = useMeasures();
  const { compared } = overview;
  return (
    <div class="figures">
      {measures.map((measure) => {
        const figure = overview[measure];
        return (
          <a
            key={measure}
            class="figure"
            href={hrefWith(url, { measure })}
            aria-current={measure === chosen ? 'true' : undefined}
          >
            <span class="figure-name" title={MEASURE_HINTS[measure]}>
              {MEASURES[measure]}
            </span>
            <span class="figure-value" data-measure={measure}>
              {formatFigure(measure, figure.value)}
            </span>
            {compared && isCovered(compared, since) && <Change figure={figure} measure={measure} />}
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

function Change({ figure, measure }: { figure: Figure; measure: Measure }): JSX.Element | null {
  const { value, compared } = figure;
  if (compared === undefined) return null;
  const title = `Before: ${formatFigure(measure, compared)}`;
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
      <span class="hidden"> compared to {formatFigure(measure, compared)}</span>
    </span>
  );
}

export function FiguresSkeleton(): JSX.Element {
  const measures = useMeasures();
  return (
    <div class="figures" aria-hidden="true">
      {measures.map((measure) => (
        <div key={measure} class="figure">
          <span class="figure-name">{MEASURES[measure]}</span>
          <span class="figure-value skeleton">0</span>
          <span class="change skeleton">0</span>
        </div>
      ))}
    </div>
  );
}
