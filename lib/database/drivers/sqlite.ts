import { setTimeout as pause } from 'node:timers/promises';
import type { DataSource, QueryRunner } from 'typeorm';
import { monotonicClock } from '../../time/clock.js';
import type { Driver } from '../driver.types.js';
import { type Classification, failureFrom, MIGRATIONS } from '../failure.js';
import { queryRunnerBy } from '../reader/query-runner.js';
import { findSqliteFile } from '../reader/sqlite-file.js';
import { readBusyTimeout, type Connection, connectionOf, withBusyTimeout } from './sqlite-connection.js';

/** Milliseconds between two attempts to read. */
const RETRY = 20;

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

/**
 * Without a write-ahead log, a reader waits for commits of another process: as long as the host's time-out, but without blocking
 * the event loop.
 */
function createRunner(dataSource: DataSource): QueryRunner {
  return queryRunnerBy(dataSource, async (sql, parameters) => {
    const connection = connectionOf(dataSource);
    const deadline = monotonicClock.now() + readBusyTimeout(connection);
    for (;;) {
      try {
        return withBusyTimeout(connection, 0, () => read(connection, sql, parameters));
      } catch (error) {
        if (!sqlite.failure(error)?.isLocked || monotonicClock.now() >= deadline) throw error;
      }
      await pause(RETRY);
    }
  });
}

function read(connection: Connection, sql: string, parameters: unknown[]): unknown[] {
  const statement = connection.prepare(sql);
  if (statement.reader) return statement.all(...parameters);
  statement.run(...parameters);
  return [];
}

/** The driver of SQLite: one connection in this process, which all callers share. */
export const sqlite: Driver = {
  isRemote: false,
  now: undefined,
  poolSize: () => undefined,
  createRunner,
  connect: (_, runner) => runner.connect(),
  destroy: async () => {},
  destroyIdle: () => {},
  destroyConnecting: () => {},
  // It stores only Unicode.
  encodingFault: async () => undefined,
  openable: findSqliteFile,
  failure: (error) => failureFrom(error, classify),
};
