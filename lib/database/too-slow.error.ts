import { UnavailableError } from './unavailable.error.js';

/** What makes a question cheaper. */
export const NARROW = 'ask for a shorter range (from, to), or with fewer filters';

/** The database worked on one statement of a question for too long, and the statement was cancelled. */
export class TooSlowError extends UnavailableError {
  constructor(timeout: number, options?: ErrorOptions) {
    super(
      `the question takes the database longer than ${timeout} ms (statistics.statementTimeout); ${NARROW}`,
      options,
    );
    this.name = 'TooSlowError';
  }
}
