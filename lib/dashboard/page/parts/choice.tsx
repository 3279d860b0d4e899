import type { JSX } from 'preact';
import { keysOf } from '../state/keys.js';

interface ChoiceProps<Value extends string> {
  label: string;
  value: Value;
  options: Readonly<Partial<Record<Value, string>>>;
  onChange: (value: Value) => void;
}

/** One of many, in a list that opens. */
export function Select<Value extends string>(props: ChoiceProps<Value>): JSX.Element {
  const { label, value, options, onChange } = props;
  const keys = keysOf(options);
  return (
    <label class="select">
      <span class="select-label">{label}</span>
      <select
        value={value}
        onChange={({ currentTarget }) => {
          const chosen = keys.find((key) => key === currentTarget.value);
          if (chosen !== undefined) onChange(chosen);
        }}
      >
        {keys.map((key) => (
          <option key={key} value={key}>
            {options[key]}
          </option>
        ))}
      </select>
    </label>
  );
}

/** One of few, all of them in sight. */
export function Tabs<Value extends string>(props: ChoiceProps<Value>): JSX.Element {
  const { label, value, options, onChange } = props;
  return (
    <div class="tabs" role="group" aria-label={label}>
      {keysOf(options).map((key) => (
        <button key={key} type="button" aria-pressed={key === value} onClick={() => onChange(key)}>
          {options[key]}
        </button>
      ))}
    </div>
  );
}
