/** The database did not do it, or not in time. It is safe to try again; activities with the same ids are stored once. */
export class UnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnavailableError';
  }
}
