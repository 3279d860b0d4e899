import type { QueryRunner, TableColumnOptions } from 'typeorm';
import { dialectOf } from '../database/dialects/dialect.js';

/** The columns of our tables, as the host's database calls their types. */
export interface Columns {
  text: (name: string, length: number) => TableColumnOptions;
  longText: (name: string) => TableColumnOptions;
  uuid: (name: string) => TableColumnOptions;
  bigint: (name: string) => TableColumnOptions;
  /** A primary key that the database numbers the rows with. */
  serial: (name: string) => TableColumnOptions;
  int: (name: string) => TableColumnOptions;
  boolean: (name: string) => TableColumnOptions;
}

export async function buildColumns(runner: QueryRunner): Promise<Columns> {
  // TypeORM 0.3 has no `runner.dataSource` yet.
  const { driver } = runner.connection;
  const dialect = dialectOf(runner.connection);
  const exact = await dialect.exactText(runner);
  const { uuidLength } = dialect;
  const uuid = driver.normalizeType({ type: 'uuid' });
  return {
    text: (name, length) => ({ ...exact, name, type: 'varchar', length: `${length}` }),
    longText: (name) => ({ ...exact, name, type: 'text' }),
    uuid: (name) =>
      uuid === 'uuid' ? { name, type: uuid } : { ...exact, name, type: uuid, length: uuidLength },
    bigint: (name) => ({ name, type: 'bigint' }),
    serial: (name) => ({
      name,
      type: dialect.serialType,
      isPrimary: true,
      isGenerated: true,
      generationStrategy: 'increment',
    }),
    int: (name) => ({ name, type: driver.normalizeType({ type: 'int' }) }),
    boolean: (name) => ({ name, type: driver.normalizeType({ type: 'boolean' }) }),
  };
}

export const optional = (column: TableColumnOptions): TableColumnOptions => ({ ...column, isNullable: true });

export const primary = (column: TableColumnOptions): TableColumnOptions => ({ ...column, isPrimary: true });

/**
 * Creates indexes. MariaDB and MySQL commit each statement of a migration, so one that was broken off has left some behind, which
 * are skipped.
 * @param indexes what follows `CREATE INDEX`, the name first
 */
export async function createIndexes(runner: QueryRunner, indexes: readonly string[]): Promise<void> {
  const { connection } = runner;
  const { indexNames } = dialectOf(connection);
  const mayBeBrokenOff = ['mysql', 'mariadb'].includes(connection.options.type);
  const rows: { name: string }[] = mayBeBrokenOff ? await runner.query(indexNames) : [];
  const known = new Set(rows.map(({ name }) => name));
  for (const index of indexes)
    if (!known.has(index.split(' ', 1)[0] ?? '')) await runner.query(`CREATE INDEX ${index}`);
}
