import { randomUUID } from 'node:crypto';
import type { Server, StatementLimits } from './server.js';
import { text } from './sql.js';
import { rebuildVisits } from './statistics/visit-builder.js';
import { PORTION, selectIds } from './statistics/visit-selection.js';
import { ACTIVITY, DIRTY_VISIT } from './tables.js';

/**
 * The visits and sessions that a change of stored activities concerns, such as an erasure. They are marked before the change;
 * visits are rebuilt after it, so that a process that dies in between leaves the marks to the next update of the statistics.
 */
export class DirtyVisits {
  constructor(
    private readonly server: Server,
    private readonly portion = PORTION,
  ) {}

  /** Marks the visits and the sessions of activities. */
  async mark(change: string, condition: string, limits?: StatementLimits): Promise<void> {
    await this.server.command(
      `INSERT INTO ${DIRTY_VISIT} (change, visitId, sessionId)
      SELECT DISTINCT toUUID(${text(change)}), visitId, sessionId FROM ${ACTIVITY}
      WHERE (visitId != '' OR sessionId IS NOT NULL) AND (${condition})`,
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
    change: (id: string) => Promise<void> = async () => {},
    limits?: StatementLimits,
  ): Promise<void> {
    const id = randomUUID();
    await mark(id);
    await change(id);
    await this.rebuild(id, limits);
    await this.unmark(id, limits);
  }

  /** Rebuilds the visits that are marked for a change, in portions of neighbouring ids: most ids begin with the start of the visit. */
  async rebuild(change: string, limits?: StatementLimits): Promise<void> {
    let after = '';
    for (;;) {
      const marked = `visitId > ${text(after)} AND ${changeSql(change)}`;
      const [end] = await this.server.query<{ visitId: string }>(
        `SELECT visitId FROM ${DIRTY_VISIT} WHERE ${marked} ORDER BY visitId LIMIT 1 OFFSET ${this.portion - 1}`,
        limits,
      );
      const until = end ? ` AND visitId <= ${text(end.visitId)}` : '';
      await rebuildVisits(
        this.server,
        selectIds(`SELECT DISTINCT visitId FROM ${DIRTY_VISIT} WHERE ${marked}${until}`),
        limits,
      );
      if (!end) return;
      after = end.visitId;
    }
  }

  /** The sessions that are marked for a change. */
  async findSessions(change: string): Promise<string[]> {
    const rows = await this.server.query<{ id: string }>(
      `SELECT DISTINCT assumeNotNull(sessionId) AS id FROM ${DIRTY_VISIT} WHERE sessionId IS NOT NULL AND ${changeSql(change)}`,
    );
    return rows.map(({ id }) => id);
  }

  async unmark(change: string, limits?: StatementLimits): Promise<void> {
    await this.server.command(`DELETE FROM ${DIRTY_VISIT} WHERE ${changeSql(change)}`, limits);
  }
}

function changeSql(change: string): string {
  return `change = toUUID(${text(change)})`;
}
