/** It can never be stored, such as a text that the database's encoding lacks: to send it again is useless. */
export class UnstorableError extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(`it cannot be stored: ${reason}`, options);
    this.name = 'UnstorableError';
  }
}
