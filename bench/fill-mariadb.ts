import type { DataSource } from 'typeorm';
import { RollupService } from '../lib/store/typeorm/statistics/rollup/rollup.service.js';
import { ACTIVITY_COLUMNS, generateRows, inGroups, SESSION_COLUMNS } from './generated-rows.js';

const BATCH_SIZE = 1000;
/** In groups of rows. */
const TRANSACTION_SIZE = 50;

/** Puts so many activities into the empty tables of a MariaDB database, and computes their statistics. */
export async function fillMariadb(dataSource: DataSource, rows: number): Promise<void> {
  const insert = async (table: string, columns: string[], all: Iterable<unknown[]>): Promise<void> => {
    const names = columns.map((name) => `\`${name}\``).join(', ');
    const one = `(${columns.map(() => '?').join(', ')})`;
    await dataSource.transaction(async ({ queryRunner }) => {
      let count = 0;
      for (const group of inGroups(all, BATCH_SIZE)) {
        const values = group.map(() => one).join(', ');
        await queryRunner?.query(`INSERT INTO ${table} (${names}) VALUES ${values}`, group.flat());
        if (++count % TRANSACTION_SIZE === 0) await queryRunner?.query('COMMIT AND CHAIN');
      }
    });
  };
  const { sessions, activities } = generateRows(rows);
  await insert('djaffar_session', SESSION_COLUMNS, sessions);
  await insert('djaffar_activity', ACTIVITY_COLUMNS, activities);
  await new RollupService(dataSource).drain();
  await dataSource.query('ANALYZE TABLE djaffar_activity, djaffar_session, djaffar_visit');
}
