import type { DirtyVisits } from './dirty-visits.js';
import type { Server, StatementLimits } from './server.js';
import type { Sessions } from './sessions.js';
import { lists, text } from './sql.js';
import { ACTIVITY } from './tables.js';

/** Bytes of memory to count ids; more ids are counted on the disk. After a copy, all ids are counted. */
const MAX_MEMORY = 1_000_000_000;

interface Duplicate {
  id: string;
  /** When each row of the id was written, and by which insert. */
  rows: [writtenAt: number, writeId: number][];
  sessions: string[];
}

/**
 * Deduplicates activities by id. ClickHouse has no unique keys, so a write first looks for its ids. If two instances get the same id at the
 * same moment, both insert it; the next reader then deletes all rows of the id except the first. All readers agree on which row is the
 * first, and it is never deleted.
 */
export class Duplicates {
  constructor(
    private readonly server: Server,
    private readonly dirtyVisits: DirtyVisits,
    private readonly sessions: Pick<Sessions, 'deleteUnused'>,
  ) {}

  /**
   * Removes duplicates.
   * @param since milliseconds since 1970, by the server's clock; duplicates from before have been removed
   * @returns how many rows were removed
   */
  async remove(since: number, limits?: StatementLimits): Promise<number> {
    const written = `FROM ${ACTIVITY} WHERE writtenAt >= ${since}`;
    const found = await this.server.query<Duplicate>(
      `SELECT toString(id) AS id, arraySort(groupArray((writtenAt, writeId))) AS rows,
        groupUniqArrayIf(assumeNotNull(sessionId), sessionId IS NOT NULL) AS sessions ${written}
        AND id IN (SELECT id ${written} GROUP BY id HAVING count() > 1)
      GROUP BY id HAVING count() > 1 SETTINGS max_bytes_before_external_group_by = ${MAX_MEMORY}`,
      limits,
    );
    const others = found.flatMap(({ id, rows, sessions }) =>
      rows.slice(1).map(([at, by]) => ({ row: `(${text(id)}, ${at}, ${by})`, sessions })),
    );
    for (const some of lists(others)) {
      const condition = `(id, writtenAt, writeId) IN (${some.map(({ row }) => row).join(', ')})`;
      await this.dirtyVisits.rebuildAround(
        (change) => this.dirtyVisits.mark(change, condition, limits),
        () => this.server.command(`DELETE FROM ${ACTIVITY} WHERE ${condition}`, limits),
        limits,
      );
      await this.sessions.deleteUnused(some.flatMap(({ sessions }) => sessions));
    }
    return others.length;
  }
}
