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

  /** The number of properties with an error. */
  get count(): number {
    return this.faults.size;
  }

  /** @throws InvalidActivityError where anything was blamed. */
  finish(): void {
    if (this.count > 0) throw new InvalidActivityError(Object.fromEntries(this.faults));
  }
}
