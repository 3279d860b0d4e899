import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { Autocomplete } from '../parts/autocomplete.js';
import { Dialog } from '../parts/dialog.js';
import {
  addedFilter,
  type FilterKey,
  FILTERS,
  NUMBER_OPERATORS,
  type Operator,
  OPERATORS,
  propertyParameter,
} from '../state/filters.js';
import { typedKeys } from '../state/keys.js';
import { navigate, useUrl } from '../state/url.js';

type Field = FilterKey | 'property';

/** The number format of the API. */
const NUMBER = String.raw`-?\d+(\.\d+)?`;

const SUGGESTED = ['path', 'route', 'name', 'country', 'language'] as const;

const isSuggested = (field: Field): field is (typeof SUGGESTED)[number] =>
  SUGGESTED.some((each) => each === field);

/** A form for a filter: field, condition and value. */
export function AddFilter({ onClose }: { onClose: () => void }): JSX.Element {
  const url = useUrl();
  const [field, setField] = useState<Field>('path');
  const [key, setKey] = useState('');
  const [operator, setOperator] = useState<Operator>('');
  const [value, setValue] = useState('');
  const operators = typedKeys(OPERATORS).filter(
    (each) => field === 'property' || !NUMBER_OPERATORS.includes(each),
  );
  const chosen = operators.includes(operator) ? operator : '';
  const isNumber = NUMBER_OPERATORS.includes(chosen);
  const onSubmit = (event: SubmitEvent): void => {
    event.preventDefault();
    const parameter = field === 'property' ? propertyParameter(key) : field;
    navigate(addedFilter(url, parameter, chosen, value));
    onClose();
  };
  return (
    <Dialog title="Add a filter" onClose={onClose}>
      <form class="fields" onSubmit={onSubmit}>
        <label>
          Field
          <select
            value={field}
            onChange={({ currentTarget }) =>
              setField(typedKeys(FILTERS).find((each) => each === currentTarget.value) ?? 'property')
            }
          >
            {typedKeys(FILTERS).map((each) => (
              <option key={each} value={each}>
                {FILTERS[each]}
              </option>
            ))}
            <option value="property">Property</option>
          </select>
        </label>
        {field === 'property' && (
          <label>
            Key
            <input
              type="text"
              required
              value={key}
              onInput={({ currentTarget }) => setKey(currentTarget.value)}
            />
          </label>
        )}
        <label>
          Condition
          <select
            value={chosen}
            onChange={({ currentTarget }) =>
              setOperator(operators.find((each) => each === currentTarget.value) ?? '')
            }
          >
            {operators.map((each) => (
              <option key={each} value={each}>
                {OPERATORS[each]}
              </option>
            ))}
          </select>
        </label>
        <label>
          Value
          {isSuggested(field) ? (
            <Autocomplete label="Value" placeholder="" dimension={field} value={value} onChange={setValue} />
          ) : (
            <input
              type="text"
              inputMode={isNumber ? 'decimal' : 'text'}
              pattern={isNumber ? NUMBER : undefined}
              title={isNumber ? 'A number, such as 99.5' : undefined}
              required
              value={value}
              onInput={({ currentTarget }) => setValue(currentTarget.value)}
            />
          )}
        </label>
        <button type="submit" class="primary" disabled={value === ''}>
          Add
        </button>
      </form>
    </Dialog>
  );
}
