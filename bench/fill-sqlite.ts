import libsql from 'libsql';
import type { DataSource } from 'typeorm';
import { RollupService } from '../lib/store/typeorm/statistics/rollup/rollup.service.js';
import { ACTIVITY_COLUMNS, generateRows, inGroups, SESSION_COLUMNS } from './generated-rows.js';

const BATCH_SIZE = 500;

/** Puts so many activities into the empty tables of an SQLite file, and computes their statistics. */
export async function fillSqlite(dataSource: DataSource, file: string, rows: number): Promise<void> {
  const database = new libsql(file);
  const insert = (table: string, columns: string[], all: Iterable<unknown[]>): void => {
    const names = columns.map((name) => `"${name}"`).join(', ');
    const one = `(${columns.map(() => '?').join(', ')})`;
    const prepare = (count: number): ReturnType<typeof database.prepare> =>
      database.prepare(
        `INSERT INTO ${table} (${names}) VALUES ${Array.from({ length: count }, () => one).join(', ')}`,
      );
    const whole = prepare(BATCH_SIZE);
    for (const group of inGroups(all, BATCH_SIZE))
      (group.length === BATCH_SIZE ? whole : prepare(group.length)).run(...group.flat());
  };
  const { sessions, activities } = generateRows(rows);
  database.exec('BEGIN');
  insert('djaffar_session', SESSION_COLUMNS, sessions);
  insert('djaffar_activity', ACTIVITY_COLUMNS, activities);
  database.exec('COMMIT');
  database.exec('ANALYZE');
  database.close();
  await new RollupService(dataSource).drain();
}
