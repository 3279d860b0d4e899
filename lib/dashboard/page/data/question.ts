import { useMemo } from 'preact/hooks';
import { useAbout } from '../state/about.js';
import { filterParameters } from '../state/filters.js';
import { useNow } from '../state/now.js';
import { type Range, parseRange } from '../state/range.js';
import { useUrl } from '../state/url.js';

/** The range and the filters of the URL, as parameters of each request for statistics. */
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
    const range = parseRange(url, now, since);
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

/** Returns a path to request, such as `stats/top?dimension=path&…`. Later parameters override earlier ones. */
export function pathOf(kind: string, ...parameters: Parameters[]): string {
  const query = new URLSearchParams();
  for (const [name, value] of parameters.flatMap((each) => Object.entries(each)))
    if (value !== undefined) query.set(name, String(value));
  return `${kind}?${query.toString()}`;
}
