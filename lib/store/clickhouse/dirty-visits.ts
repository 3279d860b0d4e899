import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { MINUTE } from '../../time/units.js';
import type { Server, StatementLimits } from './server.js';
import { text, texts } from './sql.js';
import { rebuildVisits } from './statistics/visit-builder.js';
import { selectListed } from './statistics/visit-selection.js';
import { ACTIVITY, DIRTY_VISIT, VISIT } from './tables.js';

/** How many visits one statement rebuilds. */
const PORTION = 10_000;
/** The maximum number of visits whose old rows are removed at once. */
const MAX_LISTED = 20_000;
/** Milliseconds by which the clocks of two replicas may differ. */
const MAX_SKEW = 2 * MINUTE;
/** Milliseconds from the time that a statement reads until the server has taken the statement. */
const MAX_TAKE = 2000;
/** Milliseconds between the first two looks at the claims that an erasure waits for, and at most between later ones. */
const LOOK_AGAIN = 50;
const MAX_LOOK_AGAIN = 2000;

/**
 * The visits and sessions that a change of stored activities concerns, such as an erasure. They are marked before the change;
 * visits are rebuilt after it, so that a process that dies in between leaves the marks to the next update of the statistics.
 */
export class DirtyVisits {
  constructor(
    private readonly server: Server,
    private readonly portion = PORTION,
  ) {}

  /**
   * Marks the visits and the sessions of activities.
   * @param claimUntil of a claim: when its change has no effect any more, by the server's clock; see session-claims.ts
   */
  async mark(change: string, condition: string, limits?: StatementLimits, claimUntil = 0): Promise<void> {
    await this.server.command(
      `INSERT INTO ${DIRTY_VISIT} (change, visitId, sessionId, claimUntil)
      SELECT DISTINCT toUUID(${text(change)}), visitId, sessionId, ${claimUntil} FROM ${ACTIVITY}
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
   * @param condition of the activities that are changed; the change makes it false
   * @param isOfUser whether the condition depends on the user of an activity, which claims change
   * @param cleanUp called with the id of the change when all its visits and sessions are marked
   */
  async eraseAround(
    condition: string,
    isOfUser: boolean,
    change: () => Promise<void>,
    cleanUp: (change: string) => Promise<void>,
  ): Promise<void> {
    const now = await this.server.findNow();
    const id = randomUUID();
    await this.mark(id, condition);
    await change();
    // Claims that looked before the change may have given activities to the same user after it. Those that looked later found
    // only what the user did since, so twice is enough.
    if (isOfUser && ((await this.settleClaims()) || (await this.hasAny(condition)))) {
      await this.mark(id, condition);
      await change();
    }
    await this.markRebuilt(id, now);
    await cleanUp(id);
    await this.rebuild(id);
    await this.removeOldRows(id);
    await this.unmark(id);
  }

  /**
   * Waits until the claims that are under way are done, or the server takes their change no more.
   * @returns whether a claim was not done: the server may still be at work on its change
   */
  async settleClaims(): Promise<boolean> {
    await this.server.sync({}, [DIRTY_VISIT]);
    const margin = this.server.settings.replicated ? MAX_SKEW : MAX_TAKE;
    const isOpen = `claimUntil > toUnixTimestamp64Milli(now64(3)) - ${margin}`;
    const found = await this.server.query<{ change: string }>(
      `SELECT DISTINCT toString(change) AS change FROM ${DIRTY_VISIT} WHERE ${isOpen}`,
    );
    if (found.length === 0) return false;
    const claims = `change IN ${texts(found.map(({ change }) => change))}`;
    for (let wait = LOOK_AGAIN; ; wait = Math.min(2 * wait, MAX_LOOK_AGAIN)) {
      const [left] = await this.server.query<{ isOpen: boolean }>(
        `SELECT max(${isOpen}) AS isOpen FROM ${DIRTY_VISIT} WHERE ${claims} HAVING count() > 0`,
      );
      if (!left) return false;
      if (!left.isOpen) return true;
      await pause(wait);
    }
  }

  private async hasAny(condition: string): Promise<boolean> {
    const rows = await this.server.query(`SELECT 1 FROM ${ACTIVITY} WHERE ${condition} LIMIT 1`);
    return rows.length > 0;
  }

  /**
   * Marks the visits that were rebuilt since an instant: they may contain activities that became visible after {@link mark}, and were
   * erased all the same.
   */
  private async markRebuilt(change: string, since: number): Promise<void> {
    // Versions are by the clock of any replica.
    const version = 1000 * (since - (this.server.settings.replicated ? MAX_SKEW : 0));
    await this.server.command(
      `INSERT INTO ${DIRTY_VISIT} (change, visitId, sessionId)
      SELECT toUUID(${text(change)}), id, sessionId FROM ${VISIT} FINAL WHERE version >= ${version}`,
      {},
      { async_insert: 0 },
    );
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
      // As a list, because another instance may remove the marks at any moment.
      const found = await this.server.query<{ visitId: string }>(
        `SELECT DISTINCT visitId FROM ${DIRTY_VISIT} WHERE visitId > ${text(after)} AND ${changeSql(change)}
        ORDER BY visitId LIMIT ${this.portion}`,
        limits,
      );
      const last = found.at(-1);
      if (!last) return;
      const ids = found.map(({ visitId }) => visitId);
      await rebuildVisits(this.server, selectListed(ids), limits);
      if (found.length < this.portion) return;
      after = last.visitId;
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
