/** The database did not do it, or not in time. It is safe to try again; activities with the same ids are stored once. */
export class UnavailableError extends Error {
  /** The message for visitors, without the names of tables and servers. */
  readonly answer: string;

  constructor(message: string, { answer = message, ...options }: ErrorOptions & { answer?: string } = {}) {
    super(message, options);
    this.name = 'UnavailableError';
    this.answer = answer;
  }
}
