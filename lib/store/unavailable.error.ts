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

/** Advice how to make the query cheaper. */
export const NARROW = 'ask for a shorter range (from, to), or with fewer filters';

/** The time for a question is over. */
export class LateError extends UnavailableError {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'LateError';
  }
}

/** The database worked on one statement of a question for too long, and the statement was cancelled. */
export class TooSlowError extends LateError {
  constructor(timeout: number, options?: ErrorOptions) {
    super(
      `the question takes the database longer than ${timeout} ms (statistics.statementTimeout); ${NARROW}`,
      options,
    );
    this.name = 'TooSlowError';
  }
}
