/** The answer to visitors if no retry helps, such as without tables or permissions. */
export const REFUSED = 'the database refuses this request; the log of the application says why';

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
