import { type Dialect, type Insert, PATH_KEY_LENGTH } from './dialect.js';
import { blameSqlState, driverError } from './sql-state.js';

/** `INSERT IGNORE` would pass over other errors too; this passes over the primary key alone. */
function insert({ table, columns, rows }: Insert): string {
  const row = `(${columns.map(() => '?').join(', ')})`;
  const values = rows.map(() => row).join(', ');
  return `INSERT INTO ${table} (${columns.join(', ')}) VALUES ${values} ON DUPLICATE KEY UPDATE ${columns[0]} = ${table}.${columns[0]}`;
}

export const mysql: Dialect = {
  async write(dataSource, inserts) {
    await dataSource.transaction(async ({ queryRunner }) => {
      for (const each of inserts) await queryRunner?.query(insert(each), each.rows.flat());
    });
  },

  blame: (error) => {
    const { sqlState } = driverError(error) as { sqlState?: unknown };
    return blameSqlState(sqlState);
  },

  binary: (column) => column,
  pathKey: (column) => column,

  async exactText(runner) {
    const [{ version }]: [{ version: string }] = await runner.query('SELECT VERSION() AS version');
    // Neither pads with spaces, so that 'a' and 'a ' are two.
    return {
      charset: 'utf8mb4',
      collation: /mariadb/i.test(version) ? 'utf8mb4_nopad_bin' : 'utf8mb4_0900_bin',
    };
  },

  async createPathIndex(runner, index, table) {
    // A key part holds at most 3,072 bytes.
    await runner.query(`CREATE INDEX \`${index}\` ON ${table} (\`path\`(${PATH_KEY_LENGTH}), \`date\`)`);
  },
};
