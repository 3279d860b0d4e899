import type { JSX } from 'preact';
import { useId, useLayoutEffect, useState } from 'preact/hooks';
import type { TopRow } from '../../../statistics/statistics.types.js';
import { pathOf, useQuestion } from '../data/question.js';
import { useQuery } from '../data/use-query.js';
import { formatValue, hasNames } from '../format.js';
import { usePause } from './hooks.js';

const ROWS = 10;
/** The server cannot search countries and languages by name, because it stores only their codes. */
const ALL_ROWS = 1000;

interface AutocompleteProps {
  id?: string;
  /** The label for screen readers. */
  label: string;
  placeholder: string;
  /** The dimension whose top values are suggested. */
  dimension: 'path' | 'route' | 'name' | 'country' | 'language';
  value: string;
  /** Called when the user has typed or selected a value. */
  onChange: (value: string) => void;
}

/** A text field with suggestions: the most frequent values. */
export function Autocomplete(props: AutocompleteProps): JSX.Element {
  const { id, label, placeholder, dimension, value, onChange } = props;
  const list = useId();
  const [typed, setTyped] = useState(value);
  const [isFocused, setFocused] = useState(false);
  const [search, setSearch] = useState<string>();
  // The value also changes from outside: when steps are moved, or by going back.
  useLayoutEffect(() => setTyped(value), [value]);
  usePause(() => {
    if (isFocused) setSearch(typed);
  }, [typed, isFocused]);

  // Without the filters, which might exclude the wanted value.
  const { from, to, timeZone, bots } = useQuestion().parameters;
  const asked = {
    dimension,
    from,
    to,
    timeZone,
    bots,
    ...(hasNames(dimension) ? { limit: ALL_ROWS } : { limit: ROWS, search: search || undefined }),
  };
  const answer = useQuery<{ items: TopRow[] }>(search === undefined ? undefined : pathOf('stats/top', asked));
  const commit = (text: string): void => {
    if (text.trim() !== value) onChange(text.trim());
  };
  return (
    <>
      <input
        id={id}
        class="suggest"
        type="text"
        list={list}
        aria-label={label}
        placeholder={placeholder}
        autocomplete="off"
        spellcheck={false}
        value={typed}
        onFocus={() => setFocused(true)}
        onBlur={() => setFocused(false)}
        onInput={({ currentTarget }) => setTyped(currentTarget.value)}
        onChange={({ currentTarget }) => commit(currentTarget.value)}
      />
      <datalist id={list}>
        {answer.value?.items.map(
          ({ value: code }) =>
            code !== null && (
              <option
                key={code}
                value={code}
                label={hasNames(dimension) ? formatValue(dimension, code) : undefined}
              />
            ),
        )}
      </datalist>
    </>
  );
}
