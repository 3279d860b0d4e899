import { parseReferrer } from '../activity/referrer.js';
import { sanitize, truncate } from '../activity/text.js';
import type { VisitRecord } from './statistics.types.js';

const MAX = 255;

export type VisitSource = Pick<
  VisitRecord,
  'referrer' | 'utmSource' | 'utmMedium' | 'utmCampaign' | 'utmTerm' | 'utmContent'
>;

/** Derives the source of a visit from its first activity. */
export function parseVisitSource(path: string, referer: string | null): VisitSource {
  const [, query = ''] = /^[^?#]*\?([^#]*)/.exec(path) ?? [];
  const parameters = parseUtmParameters(query);
  const utm = (name: string): string | null => truncateOrNull(parameters.get(`utm_${name}`));
  return {
    referrer: truncateOrNull(parseReferrer(referer)),
    utmSource: utm('source'),
    utmMedium: utm('medium'),
    utmCampaign: utm('campaign'),
    utmTerm: utm('term'),
    utmContent: utm('content'),
  };
}

/** Returns the parameters by their names in lower case. If a name occurs several times, its first value counts. */
function parseUtmParameters(query: string): Map<string, string> {
  const parameters = new Map<string, string>();
  // Most paths have none.
  if (!/utm_/i.test(query)) return parameters;
  // `&amp;` comes from links that were escaped for HTML once too often.
  for (const [key, value] of new URLSearchParams(query.replaceAll(/&amp;/gi, '&'))) {
    const name = key.toLowerCase();
    if (!parameters.has(name)) parameters.set(name, value);
  }
  return parameters;
}

function truncateOrNull(text: string | null | undefined): string | null {
  return text ? truncate(sanitize(text), MAX) : null;
}
