import type { DatabaseName } from '../../test/support/databases.js';
import { setTimeout as pause } from 'node:timers/promises';
import type { Stage } from './stage.js';

interface Sql {
  /** Statements that lock a table against writes; with `READ`, others can read. */
  lock(table: string): string[];
  unlock: string;
  /** A query for the connections that wait for the lock. */
  waiting: string;
}

const SQL: Record<DatabaseName, Sql> = {
  postgres: {
    lock: (table) => ['BEGIN', `LOCK TABLE ${table} IN SHARE MODE`],
    unlock: 'ROLLBACK',
    waiting: `SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
  },
  mariadb: {
    lock: (table) => [`LOCK TABLES ${table} READ`],
    unlock: 'UNLOCK TABLES',
    waiting: `SELECT id FROM information_schema.processlist WHERE db = DATABASE() AND state LIKE 'Waiting for table%lock'`,
  },
  sqlite: { lock: () => ['BEGIN IMMEDIATE'], unlock: 'ROLLBACK', waiting: '' },
};

/**
 * Locks a table against writes; on SQLite all tables.
 * @returns a function that releases the lock
 */
export async function lock(stage: Stage, table = 'djaffar_activity'): Promise<() => Promise<void>> {
  const runner = stage.operator.createQueryRunner();
  for (const sql of SQL[stage.name].lock(table)) await runner.query(sql);
  return async () => {
    await runner.query(SQL[stage.name].unlock);
    await runner.release();
  };
}

/** Resolves when a connection waits for the lock. */
export async function untilSomebodyWaits(stage: Stage): Promise<void> {
  while ((await stage.operator.query<unknown[]>(SQL[stage.name].waiting)).length === 0) await pause(20);
}
