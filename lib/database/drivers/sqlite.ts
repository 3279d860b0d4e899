import type { Driver } from '../driver.types.js';
import { type Classification, failureFrom, MIGRATIONS } from '../failure.js';
import { sqliteFileOf } from '../reader/sqlite-file.js';

function classify(error: { code?: unknown }): Classification | undefined {
  const { code } = error;
  if (typeof code !== 'string' || !code.startsWith('SQLITE_')) return undefined;
  if (/^SQLITE_(CONSTRAINT|MISMATCH|TOOBIG)/.test(code)) return { kind: 'data' };
  if (/^SQLITE_(BUSY|LOCKED)/.test(code)) return { kind: 'transient', isLocked: true };
  if (/^SQLITE_(READONLY|AUTH)/.test(code)) return { kind: 'schema' };
  if (code !== 'SQLITE_ERROR') return { kind: 'transient' };
  const isMissing = error instanceof Error && /no such (table|column)|has no column/.test(error.message);
  return { kind: 'schema', advice: isMissing ? MIGRATIONS : undefined };
}

/** There is one connection, which everybody shares, and it is in this process. */
export const sqlite: Driver = {
  isRemote: false,
  now: undefined,
  poolSize: () => undefined,
  connect: (_, runner) => runner.connect(),
  destroy: async () => {},
  destroyIdle: () => {},
  destroyConnecting: () => {},
  // It has Unicode only.
  encodingFault: async () => undefined,
  openable: sqliteFileOf,
  failure: (error) => failureFrom(error, classify),
};
