import type { Properties, StoredActivity } from './activity.js';
import type { Events } from './events.js';
import type { ErrorCollector } from './validation-errors.js';
import { FieldReader } from './field-reader.js';
import { LAST_INSTANT } from '../time/time-zone.js';
import { isObject } from './properties.js';
import { uuidv7 } from './random.js';
import { DAY } from '../time/units.js';

export const MAX_PATH = 2048;
export const MAX_ROUTE = 255;
export const MAX_NAME = 64;
export const DEFAULT_NAME = 'view';

/** The properties of an activity that clients may send. */
export interface NewActivity {
  date: string;
  path?: string;
  referer?: string;
  route?: string;
  name?: string;
  properties?: Properties;
  id?: string;
}

/** A valid {@link NewActivity}, with the time of its date in milliseconds since 1970. */
export interface ReadActivity extends Omit<NewActivity, 'date'> {
  time: number;
}

/** An activity with its defaults, without user, session and visit. */
export type ParsedActivity = Pick<
  StoredActivity,
  'id' | 'date' | 'receivedAt' | 'name' | 'path' | 'route' | 'referer' | 'properties'
>;

/** Values that an activity gets from its request, or from the code that tracks it. */
export interface ParseContext {
  /** Milliseconds since 1970. */
  receivedAt: number;
  /** Milliseconds by which the client's clock is slow. */
  skew: number;
  /** The allowed names and properties; by default any. */
  events?: Events | undefined;
  /** Replaces a missing path. */
  path?: string | undefined;
  /** Ends the sentence "path must not be empty …". */
  missingPath?: string;
}

/**
 * Reads an activity of a request, of server code or of an import: the one place that knows which properties it has.
 * @param prefix is put before the names in errors, such as `activities.3.`
 * @returns `undefined` if there are errors, which are added to `errors`
 */
export function readActivity(plain: unknown, errors: ErrorCollector, prefix = ''): ReadActivity | undefined {
  if (!isObject(plain)) {
    const name = prefix.slice(0, -1) || 'body';
    errors.addError(name, `${name} must be an object`);
    return undefined;
  }
  const before = errors.count;
  const fields = new FieldReader(plain, errors, prefix);
  const activity = readFields(fields);
  fields.rejectOthers();
  return errors.count === before ? activity : undefined;
}

/** Reads the properties of an activity, and leaves others to the caller. */
export function readFields(fields: FieldReader): ReadActivity {
  return {
    time: fields.requiredTime('date') ?? Number.NaN,
    path: fields.text('path', MAX_PATH),
    route: fields.text('route', MAX_ROUTE),
    referer: fields.text('referer', MAX_PATH),
    name: fields.text('name', MAX_NAME),
    properties: fields.properties('properties'),
    id: fields.uuid('id'),
  };
}

/**
 * Fills in the defaults, and checks properties that depend on the request.
 * @param prefix is put before the names in errors
 * @returns `undefined` if there are errors, which are added to `errors`
 */
export function normalizeActivity(
  activity: ReadActivity,
  {
    receivedAt,
    skew,
    path: defaultPath,
    missingPath = 'if there is no Referer header',
    events,
  }: ParseContext,
  errors: ErrorCollector,
  prefix = '',
): ParsedActivity | undefined {
  const path = activity.path ?? defaultPath;
  const time = activity.time + skew;
  const isInTime = time >= 0 && time <= Math.min(receivedAt + DAY, LAST_INSTANT);
  if (!isInTime) {
    const error = time > 0 ? "must be at most a day ahead of the server's clock" : 'must not be before 1970';
    errors.addError(`${prefix}date`, `${prefix}date ${error}`);
  }
  if (!path) errors.addError(`${prefix}path`, `${prefix}path must not be empty ${missingPath}`);
  if (!isInTime || !path) return undefined;
  const parsed: ParsedActivity = {
    id: activity.id ?? uuidv7(),
    date: new Date(time),
    receivedAt: new Date(receivedAt),
    name: activity.name ?? DEFAULT_NAME,
    path,
    route: activity.route ?? null,
    referer: activity.referer ?? null,
    properties: activity.properties ?? null,
  };
  events?.check(parsed, errors, prefix);
  return parsed;
}
