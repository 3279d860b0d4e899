import { type Changes, hrefWith } from './address.js';

/** What can be filtered by, in the words of the page. */
export const FILTERS = {
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
  system: 'System',
  device: 'Device',
  user: 'User',
  session: 'Session',
} as const;

export type FilterKey = keyof typeof FILTERS;

/** Before the key of a property, in the address. */
const PROPERTY = 'p.';

export interface Filter {
  /** Of the address. */
  parameter: string;
  label: string;
  /** Empty for "none". */
  value: string;
}

export function filtersOf(address: URLSearchParams): Filter[] {
  const plain = Object.entries(FILTERS).flatMap(([parameter, label]) => {
    const value = address.get(parameter);
    return value === null ? [] : [{ parameter, label, value }];
  });
  const properties = [...address]
    .filter(([parameter]) => parameter.startsWith(PROPERTY))
    .map(([parameter, value]) => ({ parameter, label: parameter.slice(PROPERTY.length), value }));
  return [...plain, ...properties];
}

/** As the questions to the host have them. */
export function filterParameters(address: URLSearchParams): Record<string, string> {
  const parameters: Record<string, string> = {};
  const properties: Record<string, string> = {};
  for (const { parameter, value } of filtersOf(address)) {
    if (parameter.startsWith(PROPERTY)) properties[parameter.slice(PROPERTY.length)] = value;
    else parameters[parameter] = value;
  }
  if (Object.keys(properties).length > 0) parameters.properties = JSON.stringify(properties);
  if (address.get('bots') === 'true') parameters.bots = 'true';
  return parameters;
}

/** Adds one to those that are there. */
export function filterHref(address: URLSearchParams, parameter: string, value: string | null): string {
  return hrefWith(address, { [parameter]: value ?? '' });
}

export const propertyParameter = (key: string): string => PROPERTY + key;

export function withoutFilters(address: URLSearchParams): Changes {
  return Object.fromEntries(filtersOf(address).map(({ parameter }) => [parameter, null]));
}
