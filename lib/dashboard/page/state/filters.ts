import { type Changes, hrefWith } from './url.js';

/** The filters and their labels. */
const FILTERS = {
  path: 'Page',
  entry: 'Entry page',
  exit: 'Exit page',
  name: 'Activity',
  referrer: 'Referrer',
  utmSource: 'Source',
  utmMedium: 'Medium',
  utmCampaign: 'Campaign',
  utmTerm: 'Term',
  utmContent: 'Content',
  browser: 'Browser',
  system: 'OS',
  device: 'Device',
  user: 'User',
  group: 'Group',
  session: 'Visitor',
} as const;

export type FilterKey = keyof typeof FILTERS;

/** The prefix of property filters in the URL. */
const PROPERTY = 'p.';

export interface Filter {
  /** The name in the URL. */
  parameter: string;
  label: string;
  /** Empty for "none". */
  value: string;
}

export function filtersOf(url: URLSearchParams): Filter[] {
  const plain = Object.entries(FILTERS).flatMap(([parameter, label]) => {
    const value = url.get(parameter);
    return value === null ? [] : [{ parameter, label, value }];
  });
  const properties = [...url]
    .filter(([parameter]) => parameter.startsWith(PROPERTY))
    .map(([parameter, value]) => ({ parameter, label: parameter.slice(PROPERTY.length), value }));
  return [...plain, ...properties];
}

/** Returns the filters as parameters of the API. */
export function filterParameters(url: URLSearchParams): Record<string, string> {
  const parameters: Record<string, string> = {};
  const properties: Record<string, string> = {};
  for (const { parameter, value } of filtersOf(url)) {
    if (parameter.startsWith(PROPERTY)) properties[parameter.slice(PROPERTY.length)] = value;
    else parameters[parameter] = value;
  }
  if (Object.keys(properties).length > 0) parameters.properties = JSON.stringify(properties);
  if (url.get('bots') === 'true') parameters.bots = 'true';
  return parameters;
}

/** Whether the filters match activities other than views; tables of pages then count activities. */
export function countsActivities(url: URLSearchParams): boolean {
  const name = url.get('name');
  return name === null
    ? filtersOf(url).some(({ parameter }) => parameter.startsWith(PROPERTY))
    : name !== 'view';
}

/** Returns a link that adds a filter. */
export function filterHref(url: URLSearchParams, parameter: string, value: string | null): string {
  return hrefWith(url, { [parameter]: value ?? '' });
}

export const propertyParameter = (key: string): string => PROPERTY + key;

export function withoutFilters(url: URLSearchParams): Changes {
  return Object.fromEntries(filtersOf(url).map(({ parameter }) => [parameter, null]));
}
