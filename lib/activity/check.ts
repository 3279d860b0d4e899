import { getMetadataStorage, validateSync } from 'class-validator';
import { isObject } from './properties.js';

/** What is wrong, by the name of the property; each sentence names it again. */
export type Faults = Record<string, string[]>;

/** An activity that cannot be taken as it is; nothing of it was stored. */
export class InvalidActivityError extends Error {
  constructor(readonly errors: Faults) {
    super(Object.values(errors).flat().join('; '));
    this.name = 'InvalidActivityError';
  }
}

/** Gathers what is wrong with a request, to be thrown all at once. */
export class Checker {
  private readonly faults = new Map<string, string[]>();

  blame(property: string, fault: string): void {
    this.faults.set(property, [...(this.faults.get(property) ?? []), fault]);
  }

  get clean(): boolean {
    return this.faults.size === 0;
  }

  /** @throws InvalidActivityError where anything was blamed. */
  finish(): void {
    if (!this.clean) throw new InvalidActivityError(Object.fromEntries(this.faults));
  }
}

/** Reads plain objects as instances of a class with class-validator's decorators. */
export class Shape<T extends object> {
  private readonly known: ReadonlySet<string>;

  constructor(private readonly type: new () => T) {
    const rules = getMetadataStorage().getTargetValidationMetadatas(type, '', true, false);
    this.known = new Set(rules.map((rule) => rule.propertyName));
  }

  /**
   * Blames what the decorators do not allow or do not know. `null` and the empty string count as missing.
   * @param prefix stands before the names, such as `activities.3.`
   * @returns `undefined` where something was wrong.
   */
  read(plain: unknown, checker: Checker, prefix = ''): T | undefined {
    if (!isObject(plain)) {
      const name = prefix.slice(0, -1) || 'body';
      checker.blame(name, `${name} must be an object`);
      return undefined;
    }
    const instance = new this.type();
    const unknown: string[] = [];
    for (const [property, value] of Object.entries(plain)) {
      if (!this.known.has(property)) unknown.push(property);
      else if (value !== null && value !== '') Object.assign(instance, { [property]: value });
    }
    const errors = validateSync(instance, { forbidUnknownValues: false });
    for (const property of unknown) checker.blame(prefix + property, `${prefix}${property} is not known`);
    for (const { property, constraints = {} } of errors) {
      for (const sentence of Object.values(constraints)) checker.blame(prefix + property, prefix + sentence);
    }
    return unknown.length + errors.length === 0 ? instance : undefined;
  }
}
