import { formatValue } from '../format.js';
import { typedKeys } from './keys.js';
import { type Changes, hrefWith } from './url.js';

/** The filters and their labels. */
export const FILTERS = {
  path: 'Page',
  entry: 'Entry page',
  exit: 'Exit page',
  route: 'Route',
  name: 'Activity',
  subject: 'Subject',
  referrer: 'Referrer',
  utmSource: 'Source',
  utmMedium: 'Medium',
  utmCampaign: 'Campaign',
  utmTerm: 'Term',
  utmContent: 'Content',
  browser: 'Browser',
  system: 'OS',
  device: 'Device',
  country: 'Country',
  language: 'Language',
  user: 'User',
  group: 'Group',
  session: 'Visitor',
} as const;

export type FilterKey = keyof typeof FILTERS;

/** The operators of a filter, by the first character of the parameter in the URL. */
export const OPERATORS = {
  '': 'is',
  '!': 'is not',
  '^': 'starts with',
  '>': 'at least',
  '<': 'at most',
} as const;

export type Operator = keyof typeof OPERATORS;

/** The operators that compare numbers; only properties have them. */
export const NUMBER_OPERATORS: readonly Operator[] = ['>', '<'];

/** The prefix of property filters in the URL. */
const PROPERTY = 'p.';

export interface Filter {
  /** The name in the URL, such as `path`, `!path` or `>p.total`. */
  parameter: string;
  /** The name without the operator. */
  field: string;
  operator: Operator;
  label: string;
  /** Several values are alternatives. Empty for "none". */
  values: string[];
}

/** Returns the values of a filter as they are shown. */
export function formatValues({ field, operator, values }: Filter): string {
  const isWhole = operator === '' || operator === '!';
  return values.map((value) => (isWhole ? formatValue(field, value) : value) || 'none').join(' or ');
}

export function parseFilters(url: URLSearchParams): Filter[] {
  const order = typedKeys(FILTERS);
  const places = [...order, PROPERTY];
  return [...new Set(url.keys())]
    .flatMap((parameter): Filter[] => {
      const operator = typedKeys(OPERATORS).find((each) => each !== '' && parameter.startsWith(each)) ?? '';
      const field = parameter.slice(operator.length);
      const key = order.find((each) => each === field);
      if (key === undefined ? !field.startsWith(PROPERTY) : NUMBER_OPERATORS.includes(operator)) return [];
      const label = key === undefined ? field.slice(PROPERTY.length) : FILTERS[key];
      return [{ parameter, field, operator, label, values: url.getAll(parameter) }];
    })
    .toSorted((a, b) => findPlace(a) - findPlace(b));

  function findPlace({ field }: Filter): number {
    return places.indexOf(field.startsWith(PROPERTY) ? PROPERTY : field);
  }
}

/** The names of a field's conditions in the API. */
type Conditions = Partial<Record<'not' | 'startsWith' | 'gte' | 'lte', unknown>>;

function toCondition({ operator, values }: Filter): Conditions {
  const [value = ''] = values;
  switch (operator) {
    case '!':
      return { not: values.map((each) => each || null) };
    case '^':
      return { startsWith: value };
    case '>':
      return { gte: Number(value) };
    default:
      return { lte: Number(value) };
  }
}

/** Returns the filters as parameters of the API. */
export function filterParameters(url: URLSearchParams): Record<string, string> {
  const parameters: Record<string, string> = {};
  const properties: Record<string, unknown> = {};
  const others: Record<string, unknown> = {};
  const filters = parseFilters(url);
  for (const field of new Set(filters.map((filter) => filter.field))) {
    const own = filters.filter((filter) => filter.field === field);
    const values = own.find(({ operator }) => operator === '')?.values;
    const conditions = Object.assign({}, ...own.map(toCondition));
    const isProperty = field.startsWith(PROPERTY);
    if (isProperty) {
      // A property may be an empty text, or missing.
      const [value = ''] = values ?? [];
      const given = values && (values.length === 1 ? value : values);
      const { not, ...more } = conditions;
      properties[field.slice(PROPERTY.length)] =
        given ??
        (not === undefined ? more : { ...more, not: own.find(({ operator }) => operator === '!')?.values });
    } else if (values?.length === 1) parameters[field] = values.join('');
    else others[field] = values?.map((value) => value || null) ?? conditions;
  }
  if (Object.keys(properties).length > 0) parameters.properties = JSON.stringify(properties);
  if (Object.keys(others).length > 0) parameters.filter = JSON.stringify(others);
  if (url.get('bots') === 'true') parameters.bots = 'true';
  return parameters;
}

/** Whether the filters match activities other than views; tables of pages then count activities. */
export function countsActivities(url: URLSearchParams): boolean {
  const filters = parseFilters(url);
  const names = filters.filter(({ field }) => field === 'name');
  if (names.length === 0) return filters.some(({ field }) => field.startsWith(PROPERTY));
  return names.some(({ operator, values }) => operator !== '' || values.join() !== 'view');
}

/** Returns a link that replaces all conditions of a field with one value. */
export function filterHref(url: URLSearchParams, field: string, value: string | null): string {
  return hrefWith(url, { ...without(field), [field]: value ?? '' });
}

/** Adds a filter: values are added to those of the same operator, and values exclude conditions. */
export function addedFilter(url: URLSearchParams, field: string, operator: Operator, value: string): Changes {
  const parameter = operator + field;
  const values =
    operator === '' || operator === '!' ? [...new Set([...url.getAll(parameter), value])] : [value];
  return { ...(operator === '' ? without(field) : { [field]: null }), [parameter]: values };
}

function without(field: string): Changes {
  return Object.fromEntries(typedKeys(OPERATORS).map((operator) => [operator + field, null]));
}

export const propertyParameter = (key: string): string => PROPERTY + key;

export function withoutFilters(url: URLSearchParams): Changes {
  return Object.fromEntries(parseFilters(url).map(({ parameter }) => [parameter, null]));
}
