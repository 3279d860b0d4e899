import type { DataSource } from 'typeorm';

/** The common interface of better-sqlite3 and libsql. */
export interface Connection {
  readonly inTransaction: boolean;
  prepare(sql: string): Prepared;
  exec(sql: string): unknown;
}

interface Prepared {
  /** Whether it returns rows. */
  readonly reader: boolean;
  run(...parameters: unknown[]): { changes: number };
  all(...parameters: unknown[]): unknown[];
  get(): { timeout: number };
}

/** Returns the connection that all callers share. */
export function connectionOf(dataSource: DataSource): Connection {
  // TypeORM has it on the driver, without a type.
  return Reflect.get(dataSource.driver, 'databaseConnection');
}

const busyTimeouts = new WeakMap<Connection, number>();

/** The host's time-out in milliseconds; better-sqlite3's default is 5 s. */
export function readBusyTimeout(connection: Connection): number {
  const known = busyTimeouts.get(connection);
  if (known !== undefined) return known;
  const { timeout } = connection.prepare('PRAGMA busy_timeout').get();
  busyTimeouts.set(connection, timeout);
  return timeout;
}

/**
 * Limits how long SQLite waits for a lock of another process, which blocks the event loop. The connection is also the host's, so
 * its time-out is restored afterwards.
 * @param longest milliseconds
 */
export function withBusyTimeout<T>(connection: Connection, longest: number, work: () => T): T {
  const timeout = readBusyTimeout(connection);
  if (timeout <= longest) return work();
  connection.exec(`PRAGMA busy_timeout = ${longest}`);
  try {
    return work();
  } finally {
    connection.exec(`PRAGMA busy_timeout = ${timeout}`);
  }
}
