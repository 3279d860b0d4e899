/** A filter, or a page asked for, that cannot be understood. */
export class InvalidFilterError extends Error {
  constructor(
    readonly property: string,
    fault: string,
  ) {
    super(`${property} ${fault}`);
    this.name = 'InvalidFilterError';
  }
}
