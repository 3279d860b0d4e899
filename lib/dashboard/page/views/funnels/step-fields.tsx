import type { JSX } from 'preact';
import { Icon } from '../../parts/icon.js';
import { Autocomplete } from '../../parts/autocomplete.js';
import { typedKeys } from '../../state/keys.js';
import { type Step, STEP_KINDS } from './steps.js';

interface StepFieldsProps {
  /** The prefix of the ids of the fields. */
  id: string;
  index: number;
  count: number;
  step: Step;
  onChange: (step: Step, part: 'kind' | 'value') => void;
  onMove: (to: number) => void;
  onRemove: () => void;
}

export function StepFields(props: StepFieldsProps): JSX.Element {
  const { id, index, count, step, onChange, onMove, onRemove } = props;
  const name = `step ${index + 1}`;
  return (
    <li class="step-fields" aria-label={name}>
      <span class="step-number" aria-hidden="true">
        {index + 1}
      </span>
      <select
        aria-label={`Kind of ${name}`}
        value={step.kind}
        onChange={({ currentTarget }) => {
          const kind = typedKeys(STEP_KINDS).find((each) => each === currentTarget.value);
          // A path is not a valid name, so the value is cleared.
          if (kind) onChange({ kind, value: '' }, 'kind');
        }}
      >
        {typedKeys(STEP_KINDS).map((kind) => (
          <option key={kind} value={kind}>
            {STEP_KINDS[kind]}
          </option>
        ))}
      </select>
      <Autocomplete
        key={step.kind}
        id={`${id}-value-${index}`}
        label={`${STEP_KINDS[step.kind]} of ${name}`}
        placeholder={step.kind === 'path' ? '/path' : 'Name'}
        dimension={step.kind}
        value={step.value}
        onChange={(value) => onChange({ ...step, value }, 'value')}
      />
      <div class="step-tools">
        <button
          id={`${id}-up-${index}`}
          type="button"
          class="plain"
          title="Move up"
          aria-label={`Move ${name} up`}
          disabled={index === 0}
          onClick={() => onMove(index - 1)}
        >
          <Icon name="up" />
        </button>
        <button
          id={`${id}-down-${index}`}
          type="button"
          class="plain"
          title="Move down"
          aria-label={`Move ${name} down`}
          disabled={index === count - 1}
          onClick={() => onMove(index + 1)}
        >
          <Icon name="down" />
        </button>
        <button
          type="button"
          class="plain"
          title="Remove"
          aria-label={`Remove ${name}`}
          disabled={count === 1 && step.value === ''}
          onClick={onRemove}
        >
          <Icon name="close" />
        </button>
      </div>
    </li>
  );
}
