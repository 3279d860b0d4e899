import { type DataSource, EntityNotFoundError, QueryRunnerAlreadyReleasedError } from 'typeorm';
import { classifyFailure } from './driver.js';
import { UnavailableError, REFUSED } from '../store/unavailable.error.js';
import type { DatabaseFailure } from './failure.js';

/** Returns the error for the caller of a failed read or erasure; `undefined` if it is not a failure of the database. */
export function unavailableAfter(dataSource: DataSource, error: unknown): UnavailableError | undefined {
  if (error instanceof UnavailableError) return error;
  if (!(error instanceof Error)) return undefined;
  const failure = classifyFailure(dataSource, error);
  const isOfDatabase = failure !== undefined && failure.kind !== 'data';
  if (!isOfDatabase && !(error instanceof EntityNotFoundError)) return undefined;
  return refusal(failure ?? { kind: 'transient' }, describeReason(error), error);
}

function describeReason(error: Error): string {
  // TypeORM releases a connection that the server ends, and then reports only that.
  if (error instanceof QueryRunnerAlreadyReleasedError) return 'it has ended the connection';
  if (error instanceof EntityNotFoundError) return 'the statistics were never computed';
  // The message is empty if a host has two addresses, and neither accepts a connection.
  if (error instanceof AggregateError && error.errors[0] instanceof Error)
    return describeReason(error.errors[0]);
  return error.message || error.name;
}

/**
 * The error for a caller after a failure of the database. Its message has the reason and the advice, if there is one. The
 * answer to visitors has neither, because both may name tables and servers.
 */
export function refusal(
  { kind, advice }: Pick<DatabaseFailure, 'kind' | 'advice'>,
  reason: string,
  cause: unknown,
): UnavailableError {
  const answer = kind === 'schema' ? REFUSED : 'the database does not answer';
  const message = kind === 'schema' ? 'the database refuses this' : answer;
  return new UnavailableError(`${message}: ${reason}${advice ? ` (${advice})` : ''}`, { cause, answer });
}
