import type { JSX } from 'preact';
import { useId, useLayoutEffect, useState } from 'preact/hooks';
import type { TopRow } from '../../../statistics/statistics.types.js';
import { pathOf, useQuestion } from '../data/question.js';
import { useQuery } from '../data/use-query.js';
import { usePause } from './hooks.js';

const ROWS = 10;

interface AutocompleteProps {
  id?: string;
  /** What is to be named, for those who do not see where it stands. */
  label: string;
  placeholder: string;
  /** What the host suggests values of. */
  dimension: 'path' | 'name';
  value: string;
  /** It was typed or picked, and is meant. */
  onChange: (value: string) => void;
}

/** A text field with suggestions: the most frequent values. */
export function Autocomplete(props: AutocompleteProps): JSX.Element {
  const { id, label, placeholder, dimension, value, onChange } = props;
  const list = useId();
  const [typed, setTyped] = useState(value);
  const [isFocused, setFocused] = useState(false);
  const [search, setSearch] = useState<string>();
  // It may be changed from elsewhere: by a move of the steps, by going back.
  useLayoutEffect(() => setTyped(value), [value]);
  usePause(() => {
    if (isFocused) setSearch(typed);
  }, [typed, isFocused]);

  // Not the filters: what is asked for here may be what they leave out.
  const { from, to, timeZone, bots } = useQuestion().parameters;
  const asked = { dimension, limit: ROWS, from, to, timeZone, bots, search: search || undefined };
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
        {answer.value?.items.map((row) => row.value !== null && <option key={row.value} value={row.value} />)}
      </datalist>
    </>
  );
}
