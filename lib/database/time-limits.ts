/**
 * How long the server bears with a transaction of ours, in milliseconds: the process may be frozen or gone, and the
 * network silent, while others wait for our locks.
 */
export const BOUNDS = {
  /** Milliseconds to wait for a lock. */
  lock: 2000,
  /** For one statement of an application; a command of the command line has as long as it needs. */
  statement: 60_000,
  /** Between two statements. */
  idle: 10_000,
};

/** Milliseconds after which a server that has not kept to these bounds is taken for silent. */
export const SILENCE = BOUNDS.statement + 5000;
