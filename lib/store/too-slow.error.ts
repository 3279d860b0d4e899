import { UnavailableError } from './unavailable.error.js';

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
