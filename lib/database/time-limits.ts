/**
 * Limits that the server enforces for our transactions, in milliseconds, because this process may freeze or vanish while others
 * wait for its locks.
 */
export const BOUNDS = {
  /** For a lock. */
  lock: 2000,
  /** For one statement of an application; commands have no limit. */
  statement: 60_000,
  /** Between two statements. */
  idle: 10_000,
};

/** Milliseconds after which a server that did not enforce these limits counts as silent. */
export const SILENCE = BOUNDS.statement + 5000;
