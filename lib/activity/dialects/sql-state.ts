import type { Blame } from './dialect.js';

/**
 * Reads the blame from an SQLSTATE (ISO/IEC 9075, the first two characters): 22 is bad data, 23 a broken
 * constraint, 42 a wrong statement or a missing right.
 */
export function blameSqlState(state: unknown): Blame {
  const type = typeof state === 'string' ? state.slice(0, 2) : '';
  if (type === '22' || type === '23') return 'row';
  return type === '42' ? 'statement' : 'moment';
}

/** What the driver said, from under TypeORM's own error. */
export function driverError(error: unknown): object {
  const inner = error instanceof Error && 'driverError' in error ? error.driverError : error;
  return typeof inner === 'object' && inner !== null ? inner : {};
}
