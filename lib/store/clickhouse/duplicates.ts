import type { DirtyVisits } from './dirty-visits.js';
import type { Server, StatementLimits } from './server.js';
import type { Sessions } from './sessions.js';
import { lists, text } from './sql.js';
import { ACTIVITY } from './tables.js';

interface Duplicate {
  id: string;
  /** When each row of the id was written, and by which insert. */
  rows: [writtenAt: number, writeId: number][];
  sessions: string[];
}

/**
 * Keeps each id once. ClickHouse knows no unique key, so a write looks for its ids before it inserts them. Two instances that
 * are sent the same id at the same moment do not see each other, and both insert it; whoever reads then removes all rows of
 * the id but the first. All who look agree on the first, and it is never removed.
 */
export class Duplicates {
  constructor(
    private readonly server: Server,
    private readonly dirtyVisits: DirtyVisits,
    private readonly sessions: Pick<Sessions, 'deleteUnused'>,
  ) {}

  /**
   * Removes what was written more than once.
   * @param since milliseconds since 1970, by the server's clock; duplicates from before have been removed
   * @returns how many rows were removed
   */
  async remove(since: number, limits?: StatementLimits): Promise<number> {
    const found = await this.server.query<Duplicate>(
      `SELECT toString(id) AS id, arraySort(groupArray((writtenAt, writeId))) AS rows,
        groupUniqArrayIf(assumeNotNull(sessionId), sessionId IS NOT NULL) AS sessions FROM ${ACTIVITY}
      WHERE writtenAt >= ${since} GROUP BY id HAVING count() > 1`,
      limits,
    );
    let removed = 0;
    for (const some of lists(found)) {
      const others = some.flatMap(({ id, rows }) =>
        rows.slice(1).map(([at, by]) => `(${text(id)}, ${at}, ${by})`),
      );
      const condition = `(id, writtenAt, writeId) IN (${others.join(', ')})`;
      await this.dirtyVisits.rebuildAround(
        (change) => this.dirtyVisits.mark(change, condition, limits),
        () => this.server.command(`DELETE FROM ${ACTIVITY} WHERE ${condition}`, limits),
        limits,
      );
      await this.sessions.deleteUnused(some.flatMap(({ sessions }) => sessions));
      removed += others.length;
    }
    return removed;
  }
}
