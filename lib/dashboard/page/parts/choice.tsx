import type { JSX } from 'preact';
import { typedKeys } from '../state/keys.js';
import { hrefWith, useUrl } from '../state/url.js';
import { Icon } from './icon.js';

interface ChoiceProps<Value extends string> {
  label: string;
  value: Value;
  options: Readonly<Partial<Record<Value, string>>>;
  onChange: (value: Value) => void;
}

/** A choice of many values, as a list that opens. */
export function Select<Value extends string>(props: ChoiceProps<Value>): JSX.Element {
  const { label, value, options, onChange } = props;
  const keys = typedKeys(options);
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

/** A choice of few values, which are all visible. */
export function Tabs<Value extends string>(props: ChoiceProps<Value>): JSX.Element {
  const { label, value, options, onChange } = props;
  return (
    <div class="tabs" role="group" aria-label={label}>
      {typedKeys(options).map((key) => (
        <button key={key} type="button" aria-pressed={key === value} onClick={() => onChange(key)}>
          {options[key]}
        </button>
      ))}
    </div>
  );
}

export const isTable = (url: URLSearchParams): boolean => url.get('as') === 'table';

/** Switches between a picture and a table. */
export function TableSwitch({ picture }: { picture: 'chart' | 'diagram' }): JSX.Element {
  const url = useUrl();
  const words = isTable(url) ? `Show as ${picture}` : 'Show as table';
  return (
    <a
      class="button plain"
      href={hrefWith(url, { as: isTable(url) ? null : 'table' })}
      aria-label={words}
      title={words}
    >
      <Icon name={isTable(url) ? 'chart' : 'table'} />
    </a>
  );
}
