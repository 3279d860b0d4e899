import { plainToInstance } from 'class-transformer';
import { type ValidationError, validateSync } from 'class-validator';
import type { DjaffarOptions } from '../options/djaffar.options.js';
import type { Activity, Properties } from './activity.js';
import type { ErrorCollector } from './validation-errors.js';

/** The activities that the tracker stores automatically. */
const BUILT_IN = ['view', 'engagement', 'outbound', 'download'];

const VALIDATION = {
  whitelist: true,
  forbidNonWhitelisted: true,
  // Otherwise an event without properties, whose class has no decorators, would always be refused.
  forbidUnknownValues: false,
};

/** The property of an activity whose name the option `events` does not have, if `unknownEvents` is `mark`. */
export const UNKNOWN_MARK = '$unknown';

/** The option `events`: the known activities, and classes that validate their properties. */
export class Events {
  private readonly types: Map<string, new () => object> | undefined;
  private readonly unknown: DjaffarOptions['unknownEvents'];

  constructor({ events, unknownEvents }: Pick<DjaffarOptions, 'events' | 'unknownEvents'>) {
    this.types = events && new Map(Object.entries(events));
    this.unknown = unknownEvents;
  }

  /**
   * Adds errors for wrong properties, and for an unknown name if these are rejected; or marks the activity.
   * @param prefix is put before the names in errors, such as `activities.3.`
   */
  check(activity: Pick<Activity, 'name' | 'properties'>, errors: ErrorCollector, prefix: string): void {
    if (!this.types) return;
    const { name, properties } = activity;
    const type = this.types.get(name);
    if (type) {
      for (const [property, fault] of findErrors(type, properties))
        errors.addError(prefix + property, prefix + fault);
    } else if (!BUILT_IN.includes(name)) {
      if (this.unknown === 'reject')
        errors.addError(`${prefix}name`, `${prefix}name is not in the option "events": ${name}`);
      if (this.unknown === 'mark') activity.properties = { ...properties, [UNKNOWN_MARK]: true };
    }
  }
}

/** Finds the errors that a `ValidationPipe` of the host would find, including unknown properties. */
function findErrors(
  type: new () => object,
  properties: Properties | null,
): [property: string, fault: string][] {
  const inherited = findInherited(properties ?? {}, 'properties.');
  if (inherited.length > 0) return inherited.map((path) => [path, `${path} is not known`]);
  try {
    const instance = plainToInstance(type, properties ?? {});
    return flatten(validateSync(instance, VALIDATION), 'properties.');
  } catch {
    return [['properties', 'properties cannot be read as the class of this event']];
  }
}

/** @returns the paths of keys that each object inherits, such as `constructor`: class-transformer and class-validator take them for known */
function findInherited(value: object, prefix: string): string[] {
  return Object.entries(value).flatMap(([key, inner]: [string, unknown]) => {
    const path = prefix + key;
    if (!Array.isArray(value) && key in Object.prototype) return [path];
    return typeof inner === 'object' && inner !== null ? findInherited(inner, `${path}.`) : [];
  });
}

function flatten(errors: ValidationError[], prefix: string): [string, string][] {
  return errors.flatMap(({ property, constraints = {}, children = [] }) => [
    ...Object.entries(constraints).map(([name, text]): [string, string] => [
      prefix + property,
      prefix + (name === 'whitelistValidation' ? `${property} is not known` : text),
    ]),
    ...flatten(children, `${prefix}${property}.`),
  ]);
}
