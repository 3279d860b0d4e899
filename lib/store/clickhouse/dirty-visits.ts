import { randomUUID } from 'node:crypto';
import type { Server, StatementLimits } from './server.js';
import { text, texts } from './sql.js';
import { rebuildVisits } from './statistics/visit-builder.js';
import { PORTION, selectIds } from './statistics/visit-selection.js';
import { ACTIVITY, DIRTY_VISIT, VISIT } from './tables.js';

/** The maximum number of visits whose old rows are removed at once. */
const MAX_LISTED = 5000;

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

  /**
   * Like {@link rebuildAround}, for a change that removes personal data: it must not stay on the disk in old rows of visits.
   * @returns sessions that may have no activity any more
   */
  async eraseAround(
    mark: (change: string) => Promise<void>,
    change: (id: string) => Promise<void>,
  ): Promise<string[]> {
    const [row] = await this.server.query<{ now: string }>(
      'SELECT toString(toUnixTimestamp64Micro(now64(6))) AS now',
    );
    const id = randomUUID();
    await mark(id);
    await change(id);
    await this.rebuild(id);
    await this.removeOldRows(id);
    const sessions = await this.rebuildOthers(id, row?.now ?? '0');
    await this.unmark(id);
    return sessions;
  }

  /**
   * Rebuilds the visits without a mark that were rebuilt since a version: they may contain activities that became visible after the marks
   * were set, and were erased all the same.
   * @returns their sessions, if the visits have no activities any more
   */
  private async rebuildOthers(change: string, version: string): Promise<string[]> {
    const marked = `SELECT visitId FROM ${DIRTY_VISIT} WHERE ${changeSql(change)}`;
    const ids = `SELECT id AS visitId FROM ${VISIT} WHERE version >= ${version} AND id NOT IN (${marked})`;
    const sessions = await this.server.query<{ id: string }>(
      `SELECT DISTINCT assumeNotNull(sessionId) AS id FROM ${VISIT} FINAL
      WHERE version >= ${version} AND sessionId IS NOT NULL AND ${VISIT}.id IN (${ids})
        AND ${VISIT}.id NOT IN (SELECT visitId FROM ${ACTIVITY} WHERE visitId IN (${ids}))`,
    );
    await rebuildVisits(this.server, selectIds(ids));
    return sessions.map(({ id }) => id);
  }

  /**
   * Removes the rows that newer rows of the same visits have replaced, if they are not too many; others stay until ClickHouse merges
   * their parts. It is not waited for.
   */
  async removeOldRows(change: string): Promise<void> {
    const found = await this.server.query<{ visitId: string }>(
      `SELECT DISTINCT visitId FROM ${DIRTY_VISIT} WHERE visitId != '' AND ${changeSql(change)} LIMIT ${MAX_LISTED + 1}`,
    );
    if (found.length === 0 || found.length > MAX_LISTED) return;
    const visits = `id IN ${texts(found.map(({ visitId }) => visitId))}`;
    // Not the clock: another replica's may be behind. The newest row of each visit has at least this version.
    const [row] = await this.server.query<{ version: string }>(
      `SELECT toString(min(newest)) AS version FROM (SELECT max(version) AS newest FROM ${VISIT} WHERE ${visits} GROUP BY id)`,
    );
    await this.server.command(
      `ALTER TABLE ${VISIT} DELETE WHERE version < ${row?.version ?? 0} AND ${visits}`,
      {},
      { mutations_sync: '0' },
    );
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
