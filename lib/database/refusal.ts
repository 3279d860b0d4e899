import type { DatabaseFailure } from './failure.js';
import { REFUSED, UnavailableError } from '../store/unavailable.error.js';

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
