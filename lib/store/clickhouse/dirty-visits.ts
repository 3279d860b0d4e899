import { randomUUID } from 'node:crypto';
import type { Server, StatementLimits } from './server.js';
import { text } from './sql.js';
import { rebuildVisits } from './statistics/visit-builder.js';
import { ACTIVITY, DIRTY_VISIT } from './tables.js';

/**
 * The visits that a change of stored activities concerns, such as an erasure. They are noted before the change, and rebuilt
 * after it, so that a process that dies in between leaves the note to the next update of the statistics.
 */
export class DirtyVisits {
  constructor(private readonly server: Server) {}

  /** Notes the visits of activities. */
  async mark(change: string, condition: string, limits?: StatementLimits): Promise<void> {
    await this.server.command(
      `INSERT INTO ${DIRTY_VISIT} (change, visitId)
      SELECT DISTINCT toUUID(${text(change)}), visitId FROM ${ACTIVITY} WHERE visitId != '' AND (${condition})`,
      limits,
      { async_insert: 0 },
    );
  }

  /**
   * Rebuilds the visits that a change concerns.
   * @param mark calls {@link mark} with the id of the change
   */
  async rebuildAround(
    mark: (change: string) => Promise<void>,
    change: () => Promise<void> = async () => {},
    limits?: StatementLimits,
  ): Promise<void> {
    const id = randomUUID();
    await mark(id);
    await change();
    await rebuildVisits(
      this.server,
      `SELECT visitId FROM ${DIRTY_VISIT} WHERE change = toUUID(${text(id)})`,
      limits,
    );
    await this.server.command(`DELETE FROM ${DIRTY_VISIT} WHERE change = toUUID(${text(id)})`, limits);
  }
}
