/** The database can never take it, such as a text that its encoding lacks: to send it again is useless. */
export class UnstorableError extends Error {
  constructor(reason: string, options?: ErrorOptions) {
    super(`the database cannot store it: ${reason}`, options);
    this.name = 'UnstorableError';
  }
}
