/** Error messages by the name of the property; each message begins with the name. */
export type ValidationErrors = Record<string, string[]>;

/** An activity is invalid, and nothing of it was stored. */
export class InvalidActivityError extends Error {
  constructor(readonly errors: ValidationErrors) {
    super(Object.values(errors).flat().join('; '));
    this.name = 'InvalidActivityError';
  }
}

/** Collects the errors of a request, so that all of them are thrown at once. */
export class ErrorCollector {
  private readonly errors = new Map<string, string[]>();

  addError(property: string, error: string): void {
    this.errors.set(property, [...(this.errors.get(property) ?? []), error]);
  }

  /** The number of properties with an error. */
  get count(): number {
    return this.errors.size;
  }

  /** @throws InvalidActivityError if there is an error */
  throwIfInvalid(): void {
    if (this.count > 0) throw new InvalidActivityError(Object.fromEntries(this.errors));
  }
}
