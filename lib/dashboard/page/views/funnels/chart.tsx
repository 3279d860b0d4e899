import type { JSX } from 'preact';
import type { Funnel } from '../../../../statistics/statistics.types.js';
import { formatNumber, formatPercent } from '../../format.js';
import { Icon } from '../../parts/icon.js';
import { STEP_KINDS, fromApiStep } from './steps.js';

/** A bar for each step, relative to the visitors of the first step, and bands for those who continued. */
export function FunnelChart({ funnel: { steps } }: { funnel: Funnel }): JSX.Element {
  const first = Math.max(1, steps[0]?.visitors ?? 0);
  return (
    <ol class="funnel" style={{ '--steps': steps.length }}>
      {steps.map(({ step, visitors, stopped }, i) => {
        const { kind, value } = fromApiStep(step);
        const share = visitors / first;
        const next = steps[i + 1];
        return (
          <li key={i} class="funnel-step">
            <div class="step-name">
              <span class="step-number" aria-hidden="true">
                {i + 1}
              </span>
              <span class="step-kind">{STEP_KINDS[kind]}</span>
              <span class="step-value" title={value}>
                {value}
              </span>
            </div>
            <div class="step-track">
              <div class="step-bar" style={{ '--share': share }} />
            </div>
            <div class="step-counts">
              <strong>{formatNumber(visitors)}</strong>
              <span class="hidden"> visitors, </span>
              <span class="muted" title="Of the visitors of the first step">
                {formatPercent(share)}
              </span>
            </div>
            {next && <Flow from={share} to={next.visitors / first} />}
            {next && (
              <p class="step-passage">
                <span class="step-on">
                  <Icon name="more" />
                  {visitors > 0 ? formatPercent(next.visitors / visitors) : '–'}
                  <span class="step-words"> continued</span>
                </span>
                <span class="step-stopped">{formatNumber(stopped)} dropped off</span>
              </p>
            )}
          </li>
        );
      })}
    </ol>
  );
}

const y = (share: number): number => 100 - 100 * share;

/** A band from the height of one bar to that of the next. */
function Flow({ from, to }: { from: number; to: number }): JSX.Element {
  return (
    <svg class="step-flow" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
      <path d={`M0 100V${y(from)}L100 ${y(to)}V100z`} />
    </svg>
  );
}
