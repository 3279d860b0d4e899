import { EntityNotFoundError, QueryRunnerAlreadyReleasedError } from 'typeorm';
import { UnavailableError } from './unavailable.error.js';

/** JavaScript's own errors are faults in the code, whatever the database does. */
const FAULTS = [TypeError, RangeError, ReferenceError, SyntaxError];

/** What a failed read or erasure means to who asked; `undefined` for a fault in the code. */
export function unavailableAfter(error: unknown): UnavailableError | undefined {
  if (error instanceof UnavailableError) return error;
  if (!(error instanceof Error) || FAULTS.some((fault) => error instanceof fault)) return undefined;
  return new UnavailableError(`the database does not answer: ${reasonOf(error)}`, { cause: error });
}

function reasonOf(error: Error): string {
  // TypeORM releases the connection itself when the server ends it, and then knows nothing else to say.
  if (error instanceof QueryRunnerAlreadyReleasedError) return 'it has ended the connection';
  if (error instanceof EntityNotFoundError) return 'the statistics were never computed';
  // Such as a host with two addresses, neither of which takes a connection: the message is empty.
  if (error instanceof AggregateError && error.errors[0] instanceof Error) return reasonOf(error.errors[0]);
  return error.message || error.name;
}
