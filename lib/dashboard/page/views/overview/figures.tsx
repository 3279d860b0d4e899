import type { JSX } from 'preact';
import type { Figure, Overview } from '../../../../statistics/statistics.types.js';
import { formatChange } from '../../format.js';
import { Icon } from '../../parts/icon.js';
import { hrefWith, useAddress } from '../../state/address.js';
import { formatFigure, isBetterLow, MEASURES, type ShownMeasure } from '../../state/measures.js';
import { keysOf } from '../../state/keys.js';

const SHOWN = keysOf(MEASURES);

/** The figures with their change; the chosen one is in the chart. */
export function Figures({ overview, chosen }: { overview: Overview; chosen: ShownMeasure }): JSX.Element {
  const address = useAddress();
  return (
    <div class="figures">
      {SHOWN.map((measure) => {
        const figure = overview[measure];
        return (
          <a
            key={measure}
            class="figure"
            href={hrefWith(address, { measure })}
            aria-current={measure === chosen ? 'true' : undefined}
          >
            <span class="figure-name">{MEASURES[measure]}</span>
            <span class="figure-value" data-measure={measure}>
              {formatFigure(measure, figure.value)}
            </span>
            <Change figure={figure} measure={measure} />
          </a>
        );
      })}
    </div>
  );
}

function Change({ figure, measure }: { figure: Figure; measure: ShownMeasure }): JSX.Element | null {
  const { value, compared } = figure;
  if (compared === undefined) return null;
  const title = `${formatFigure(measure, compared)} in the range compared to`;
  if (value === null || compared === null || compared === 0) {
    return (
      <span class="change" title={title}>
        {compared === 0 && value ? 'new' : '–'}
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
  return (
    <div class="figures" aria-hidden="true">
      {SHOWN.map((measure) => (
        <div key={measure} class="figure">
          <span class="figure-name">{MEASURES[measure]}</span>
          <span class="figure-value skeleton">0</span>
          <span class="change skeleton">0</span>
        </div>
      ))}
    </div>
  );
}
