import type { JSX } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { Card } from '../../parts/card.js';
import { Select } from '../../parts/choice.js';
import { Icon } from '../../parts/icon.js';
import { navigate, useUrl } from '../../state/url.js';
import { StepFields } from './step-fields.js';
import { MAX_STEPS, moved, NEW_STEP, type Step, stepParameter, WITHIN, parseWithin } from './steps.js';

/** A form for the steps: pages or activities. */
export function FunnelBuilder({ steps: given }: { steps: Step[] }): JSX.Element {
  const url = useUrl();
  const id = useId();
  const steps = given.length > 0 ? given : [NEW_STEP];
  // Rows are keyed by their index, so the focus must follow a moved step.
  const next = useRef<string>(undefined);
  useEffect(() => {
    if (next.current) document.getElementById(next.current)?.focus();
    next.current = undefined;
  });
  const show = (changed: Step[], focused?: string): void => {
    if (focused) next.current = `${id}-${focused}`;
    navigate({ step: changed.map(stepParameter) });
  };
  const move = (from: number, to: number): void => {
    const [isFirst, isLast] = [to === 0, to === steps.length - 1];
    const focused = to < from ? (isFirst ? 'down' : 'up') : isLast ? 'up' : 'down';
    show(moved(steps, from, to), `${focused}-${to}`);
  };
  return (
    <Card title="Steps" class="funnel-builder">
      <ol class="step-list">
        {steps.map((step, i) => (
          <StepFields
            key={i}
            id={id}
            index={i}
            count={steps.length}
            step={step}
            onChange={(changed, part) =>
              show(steps.with(i, changed), part === 'kind' ? `value-${i}` : undefined)
            }
            onMove={(to) => move(i, to)}
            onRemove={() => show(steps.toSpliced(i, 1), `value-${Math.max(0, i - 1)}`)}
          />
        ))}
      </ol>
      <button
        type="button"
        class="wide"
        disabled={steps.length >= MAX_STEPS}
        onClick={() => show([...steps, NEW_STEP], `value-${steps.length}`)}
      >
        <Icon name="plus" /> {steps.length >= MAX_STEPS ? `${MAX_STEPS} steps at most` : 'Add a step'}
      </button>
      <div class="funnel-within">
        <Select
          label="All steps within"
          value={parseWithin(url)}
          options={WITHIN}
          onChange={(within) => navigate({ within: within === 'all' ? null : within })}
        />
      </div>
    </Card>
  );
}
