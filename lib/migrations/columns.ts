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

export async function columnsOf(runner: QueryRunner): Promise<Columns> {
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
