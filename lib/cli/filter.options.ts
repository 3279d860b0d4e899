import { type Command, InvalidArgumentError } from 'commander';
import { type ActivityFilter, TEXT_FIELDS } from '../activity/activity.filter.js';
import type { PropertyFilters } from '../activity/condition.js';
import { isObject } from '../activity/properties.js';

/** The options of a command that select activities. */
export type FilterOptions = { [K in keyof Omit<ActivityFilter, 'properties'>]?: string } & {
  properties?: PropertyConditions;
  filter?: object;
};

/** Conditions on a property, as the option `--properties` gives them. */
interface GivenCondition {
  is?: string[];
  not?: string[];
  startsWith?: string;
  gte?: number;
  lte?: number;
}
type PropertyConditions = Record<string, GivenCondition>;

/** Adds an option for each property of a filter of activities. */
export function addFilterOptions(command: Command): Command {
  return addDateOptions(addCommonOptions(command)).option(
    '--page <page>',
    'the whole page, as statistics count it, or its beginning with a trailing *',
  );
}

export function addDateOptions(command: Command): Command {
  return command
    .option(
      '--from <date>',
      'at this moment or later: ISO 8601, without an offset UTC; a date alone is the start of that day',
    )
    .option('--to <date>', 'before this moment; a date alone is the end of that day');
}

/** Adds the options that also filter statistics, except the dates. */
export function addCommonOptions(command: Command): Command {
  return command
    .option('--user <id>', 'the id of the user')
    .option('--session <id>', 'the id of the session')
    .option('--visit <id>', 'the id of the visit')
    .option('--path <path>', 'the whole path (in statistics: the page), or its beginning with a trailing *')
    .option(
      '--route <pattern>',
      'the pattern of the route, such as /orders/:id, or its beginning with a trailing *',
    )
    .option('--name <name>', 'what was done, such as view')
    .option('--subject <subject>', 'the object of the activity, such as order:17')
    .option('--group <group>', 'the group of the user, such as company:17')
    .option('--ip <address>', 'the IP address')
    .option(
      '--properties <key=value>',
      'an activity with this property; also != (is not), ^= (starts with), >= and <= (numbers); may be repeated',
      addProperty,
    )
    .option(
      '--filter <json>',
      'several values and conditions, such as \'{"name":{"startsWith":"order."}}\'',
      readFilter,
    );
}

/** The conditions are behind the first operator of the text. */
function addProperty(text: string, properties: PropertyConditions = {}): PropertyConditions {
  const [, key, operator, value] = /(.+?)(!=|\^=|>=|<=|=)(.*)/s.exec(text) ?? [];
  if (key === undefined || value === undefined)
    throw new InvalidArgumentError('Expected KEY=VALUE, or with !=, ^=, >= or <=.');
  const number = (): number => {
    if (value.trim() === '' || !Number.isFinite(Number(value)))
      throw new InvalidArgumentError(`${value} is not a number.`);
    return Number(value);
  };
  const { [key]: given = {} } = properties;
  switch (operator) {
    case '!=':
      return { ...properties, [key]: { ...given, not: [...(given.not ?? []), value] } };
    case '^=':
      return { ...properties, [key]: { ...given, startsWith: value } };
    case '>=':
      return { ...properties, [key]: { ...given, gte: number() } };
    case '<=':
      return { ...properties, [key]: { ...given, lte: number() } };
    default:
      return { ...properties, [key]: { ...given, is: [...(given.is ?? []), value] } };
  }
}

function readFilter(text: string): object {
  try {
    const filter: unknown = JSON.parse(text);
    if (isObject(filter)) return filter;
  } catch {
    // Invalid JSON is rejected like any value that is not an object.
  }
  throw new InvalidArgumentError('Expected a JSON object.');
}

/** @throws Error if values and conditions of a property are given together */
export function propertyFilters(properties: PropertyConditions): PropertyFilters {
  return Object.fromEntries(
    Object.entries(properties).map(([key, { is, ...conditions }]) => {
      if (is && Object.keys(conditions).length > 0)
        throw new Error(`--properties ${key}= cannot be combined with conditions on ${key}`);
      return [key, is ?? conditions];
    }),
  );
}

/** Returns the filter from the options of a command, without undefined properties. */
export function toFilter({ properties, filter, ...options }: FilterOptions): ActivityFilter {
  const fields = [...TEXT_FIELDS, 'from', 'to'] as const;
  const given = {
    ...Object.fromEntries(fields.map((field) => [field, options[field]])),
    properties: properties && propertyFilters(properties),
  };
  const defined = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  return mergeFilter(defined, filter);
}

/**
 * Adds what `--filter` gives to the other options.
 * @throws Error if something is given twice, because one of the two would be ignored
 */
export function mergeFilter<T extends object>(options: T, filter: object = {}): T {
  for (const field of Object.keys(filter))
    if (Object.hasOwn(options, field))
      throw new Error(`${field} must not be given twice: as an option, and in --filter`);
  return { ...options, ...filter };
}
