import { useMemo } from 'preact/hooks';
import { useAbout } from '../state/about.js';
import { filterParameters } from '../state/filters.js';
import { useNow } from '../state/now.js';
import { type Range, rangeOf } from '../state/range.js';
import { useUrl } from '../state/url.js';

/** The range and the filters of the URL, as every question to the host has them. */
export interface Question {
  range: Range;
  parameters: Record<string, string>;
}

export function useQuestion(): Question {
  const url = useUrl();
  const now = useNow();
  const { since } = useAbout();
  const search = url.toString();
  return useMemo(() => {
    const range = rangeOf(url, now, since);
    return {
      range,
      parameters: {
        from: range.from.toISOString(),
        to: range.to.toISOString(),
        timeZone: range.timeZone,
        ...filterParameters(url),
      },
    };
  }, [search, now, since]);
}

type Parameters = Record<string, string | number | undefined>;

/** A path to request, such as `stats/top?dimension=path&…`; of the same parameter the last one holds. */
export function pathOf(kind: string, ...parameters: Parameters[]): string {
  const query = new URLSearchParams();
  for (const [name, value] of parameters.flatMap((each) => Object.entries(each)))
    if (value !== undefined) query.set(name, String(value));
  return `${kind}?${query.toString()}`;
}
