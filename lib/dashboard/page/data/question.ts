import { useMemo } from 'preact/hooks';
import { useAddress } from '../state/address.js';
import { filterParameters } from '../state/filters.js';
import { useNow } from '../state/now.js';
import { type Range, rangeOf } from '../state/range.js';

/** The range and the filters of the address, as every question to the host has them. */
export interface Question {
  range: Range;
  parameters: Record<string, string>;
}

export function useQuestion(): Question {
  const address = useAddress();
  const now = useNow();
  const search = address.toString();
  return useMemo(() => {
    const range = rangeOf(address, now);
    return {
      range,
      parameters: {
        from: range.from.toISOString(),
        to: range.to.toISOString(),
        timeZone: range.timeZone,
        ...filterParameters(address),
      },
    };
  }, [search, now]);
}

type Parameters = Record<string, string | number | undefined>;

/** A path to ask, such as `stats/top?dimension=path&…`; of the same parameter the last one holds. */
export function pathOf(kind: string, ...parameters: Parameters[]): string {
  const query = new URLSearchParams();
  for (const [name, value] of parameters.flatMap((each) => Object.entries(each)))
    if (value !== undefined) query.set(name, String(value));
  return `${kind}?${query.toString()}`;
}
