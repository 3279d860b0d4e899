import { QueryRunnerAlreadyReleasedError } from 'typeorm';
import { isError, readMessage } from '../diagnostics/thrown.js';
import type { StoreFailure } from '../store/store.js';
import { TooSlowError, UnavailableError } from '../store/unavailable.error.js';

export interface DatabaseFailure extends StoreFailure {
  /** Another transaction held a lock for too long. */
  isLocked?: boolean;
  /** A statement took longer than it may. */
  isTooSlow?: boolean;
  /** The connection is read-only, as after a failover; another one may not be. */
  isReadOnly?: boolean;
}

/** The classification of an error by a driver, and its remedy. */
export type Classification = Pick<
  DatabaseFailure,
  'kind' | 'isLocked' | 'isTooSlow' | 'isReadOnly' | 'advice' | 'incident'
>;

/** The connection was lost or could not be opened. While a server restarts, that has many codes. */
export const NO_CONNECTION: Classification = { kind: 'transient', incident: 'connection' };

export const MIGRATIONS =
  'a table or column of Djaffar is missing: run the migrations, with djaffarMigrations among them';
export const RIGHTS = 'the database user lacks a right on the tables of Djaffar';

/** Returns the driver's error, which TypeORM's own error wraps. */
export function driverError(error: unknown): { code?: unknown; errno?: unknown; sqlState?: unknown } {
  const inner = isError(error) && 'driverError' in error ? error.driverError : error;
  return typeof inner === 'object' && inner !== null ? inner : {};
}

const SYSTEM_ERROR = /^E[A-Z]{3,}$|^PROTOCOL_/;
/** Messages of errors without a code. */
const CONNECTION_ERROR =
  /^(Connection terminated|timeout exceeded when trying to connect|timeout expired|Client (has encountered|was closed)|Cannot use a pool|Pool is closed)/;

/**
 * @param classify of the driver; returns `undefined` for an error without a code of its database
 * @returns `undefined` if it is no failure of the database
 */
export function failureFrom(
  error: unknown,
  classify: (error: ReturnType<typeof driverError>) => Classification | undefined,
): DatabaseFailure | undefined {
  if (!isError(error)) return undefined;
  const inner = driverError(error);
  const code = readCode(inner) ?? error.name;
  const reason = readMessage(isError(inner) ? inner : error) || code;
  if (error instanceof TooSlowError) return { kind: 'transient', isTooSlow: true, code, reason };
  if (error instanceof UnavailableError && error.cause) {
    const cause = failureFrom(error.cause, classify);
    if (cause) return cause;
  }
  const found = classify(inner);
  if (found) return { ...found, ...(found.advice === MIGRATIONS && { isNotMigrated: true }), code, reason };
  const isOfConnection =
    error instanceof UnavailableError ||
    error instanceof QueryRunnerAlreadyReleasedError ||
    SYSTEM_ERROR.test(code) ||
    CONNECTION_ERROR.test(reason);
  return isOfConnection ? { ...NO_CONNECTION, code, reason } : undefined;
}

function readCode({ code, errno }: ReturnType<typeof driverError>): string | undefined {
  if (typeof code === 'string') return code;
  return typeof errno === 'number' ? String(errno) : undefined;
}
