import type { Server, StatementLimits } from './server.js';

/** A row of a table that instances change in turns. */
export type InTurn<Row> = Row & { turn: number };

/**
 * Changes a table depending on what is stored: a compare-and-set. Each insert is the turn after the latest one, and of two inserts for the
 * same turn ClickHouse stores the first, because its deduplication token is the turn. So an insert is stored only if nothing was
 * stored since the rows were read; otherwise they are read again.
 * @param read reads, in one statement, rows among which is one of the latest turn
 * @param change returns the rows to insert, or none if nothing is left to do, such as after it was done
 * @returns the stored rows after that
 */
export async function changeInTurn<Row extends object>(
  server: Server,
  table: string,
  read: () => Promise<InTurn<Row>[]>,
  change: (found: InTurn<Row>[]) => Row[],
  limits: StatementLimits,
): Promise<InTurn<Row>[]> {
  let turn = 0;
  for (;;) {
    await server.sync(limits, [table]);
    const found = await read();
    const rows = change(found);
    if (rows.length === 0) return found;
    // Also if the row of the latest turn was deleted, whose token is still known.
    turn = Math.max(turn, ...found.map((row) => row.turn)) + 1;
    const inserted = rows.map((row) => ({ ...row, turn }));
    await server.insert(table, inserted, limits, String(turn));
  }
}
