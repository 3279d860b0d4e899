import { cancellable } from './cancellable.js';
import { type Dialect, type Insert, PATH_KEY_LENGTH } from './dialect.js';
import { blameSqlState, driverError } from './sql-state.js';

/** One parameter for each column, whatever the number of rows. */
function insert({ table, columns, types }: Insert, firstParameter: number): string {
  const arrays = types.map((type, i) => `$${firstParameter + i}::${type}[]`).join(', ');
  return `INSERT INTO ${table} (${columns.join(', ')}) SELECT * FROM unnest(${arrays}) ON CONFLICT (${columns[0]}) DO NOTHING`;
}

function transpose({ columns, rows }: Insert): unknown[][] {
  return columns.map((_, i) => rows.map((row) => row[i]));
}

export const postgres: Dialect = {
  /** One statement, hence one transaction and one round trip: all but the last insert are its common table expressions. */
  async write(dataSource, inserts, cancel) {
    let parameter = 1;
    const statements = inserts.map((each) => {
      const sql = insert(each, parameter);
      parameter += each.columns.length;
      return sql;
    });
    const last = statements.pop();
    const others = statements.map((sql, i) => `insert_${i} AS (${sql})`);
    const sql = others.length > 0 ? `WITH ${others.join(', ')} ${last}` : `${last}`;
    const runner = dataSource.createQueryRunner();
    try {
      const { processID }: { processID: number } = await runner.connect();
      await cancellable(
        cancel,
        () => dataSource.query('SELECT pg_cancel_backend($1)', [processID]),
        () => runner.query(sql, inserts.flatMap(transpose)),
      );
    } finally {
      await runner.release();
    }
  },

  blame: (error) => {
    const { code } = driverError(error) as { code?: unknown };
    return blameSqlState(code);
  },

  binary: (column) => `${column} COLLATE "C"`,
  pathKey: (column) => `left(${column}, ${PATH_KEY_LENGTH}) COLLATE "C"`,

  exactText: async () => ({}),

  async createPathIndex(runner, index, table) {
    // An index row holds at most 2,704 bytes; the "C" collation serves prefixes too.
    await runner.query(
      `CREATE INDEX "${index}" ON ${table} (left("path", ${PATH_KEY_LENGTH}) COLLATE "C", "date")`,
    );
  },
};
