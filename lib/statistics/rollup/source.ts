import { cut, makeStorable } from '../../activity/text.js';
import type { Visit } from './visit.entity.js';

const MAX = 255;

export type Source = Pick<Visit, 'referrer' | 'utmSource' | 'utmMedium' | 'utmCampaign'>;

/** Where a visit came from, as its first activity tells. */
export function sourceOf(path: string, referer: string | null): Source {
  const [, query = ''] = /^[^?#]*\?([^#]*)/.exec(path) ?? [];
  // Most paths have no query string.
  const parameters = query.includes('utm_') ? new URLSearchParams(query) : undefined;
  const utm = (name: string): string | null => fit(parameters?.get(`utm_${name}`));
  return {
    referrer: fit(hostOf(referer)),
    utmSource: utm('source'),
    utmMedium: utm('medium'),
    utmCampaign: utm('campaign'),
  };
}

function hostOf(referer: string | null): string | undefined {
  if (!referer || !/^https?:/i.test(referer) || !URL.canParse(referer)) return undefined;
  return new URL(referer).hostname.replace(/^www\./, '');
}

function fit(text: string | null | undefined): string | null {
  return text ? cut(makeStorable(text), MAX) : null;
}
