/** The activity can never be stored, for example because the database's encoding lacks a character: sending it again is useless. */
export class UnstorableError extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(`it cannot be stored: ${reason}`, options);
    this.name = 'UnstorableError';
  }
}
