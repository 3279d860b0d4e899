import { dependsOnUser, type ParsedFilter, splitByUser } from '../../activity/activity.filter.js';
import type { DirtyVisits } from './dirty-visits.js';
import type { ErasureSelection } from '../erasure.types.js';
import { buildConditions } from './filter.js';
import type { Server, StatementLimits } from './server.js';
import type { Sessions } from './sessions.js';
import { all, lists, texts } from './sql.js';
import { ACTIVITY, DIRTY_VISIT, SESSION, VISIT } from './tables.js';

/** Erases activities, sessions without activities, and their data in the visits. */
export class Erasure {
  constructor(
    private readonly server: Server,
    private readonly sessions: Sessions,
    private readonly dirtyVisits: DirtyVisits,
    /** Called after each step, also if it failed, because it may have erased activities. */
    private readonly onErased: () => void,
  ) {}

  /** @returns how many activities were erased */
  async run(selection: ErasureSelection): Promise<number> {
    const isOfUser = dependsOnUser(selection.filter);
    // An erasure that did not come to its end may have left claims of its user.
    if (isOfUser) await this.dirtyVisits.settleClaims();
    // Activities that are written in the meantime stay.
    const isWritten = await writtenUntilNow(this.server);
    let erased = 0;
    for (const condition of await splitSelection(this.server, selection))
      erased += await this.erase(all([isWritten, condition]), isOfUser);
    // Also if there was nothing to erase: a process may have ended before this.
    await removeFromDisk(this.server);
    return erased;
  }

  private async erase(condition: string, isOfUser: boolean): Promise<number> {
    const count = await countRows(this.server, condition);
    if (count === 0) return 0;
    try {
      await this.dirtyVisits.eraseAround(
        condition,
        isOfUser,
        () => this.server.command(`DELETE FROM ${ACTIVITY} WHERE ${condition}`),
        async (change) => this.sessions.deleteUnused(await this.dirtyVisits.findSessions(change)),
      );
    } finally {
      this.onErased();
    }
    return count;
  }
}

/** Deleted rows stay on the disk until their part is rewritten. Starts this, and does not wait for it. */
export async function removeFromDisk(server: Server): Promise<void> {
  for (const table of [ACTIVITY, SESSION, VISIT, DIRTY_VISIT])
    await server.command(`ALTER TABLE ${table} APPLY DELETED MASK`, {}, { mutations_sync: '0' });
}

/** Returns the condition of the activities that are stored now. */
export async function writtenUntilNow(server: Server, limits?: StatementLimits): Promise<string> {
  await server.sync(limits);
  return `writtenAt <= ${await server.findNow(limits)}`;
}

/** Returns how many activities an {@link Erasure} would erase. */
export function countToErase(server: Server, selection: ErasureSelection): Promise<number> {
  return countRows(server, selectionSql(selection));
}

/** Returns the condition of the activities that an {@link Erasure} would erase. */
export function selectionSql({ filter, keepAnonymous }: ErasureSelection): string {
  const own = all(buildConditions(filter));
  const split = keepAnonymous ? undefined : splitByUser(filter);
  if (!split) return own;
  const anonymous = all([
    ...buildConditions(split.others),
    'userId IS NULL',
    `visitId IN (${visitsSql(split.ofUser)})`,
  ]);
  return `(${own}) OR (${anonymous})`;
}

/** Returns the SQL of the visits in which a user has activities. */
function visitsSql(ofUser: ParsedFilter): string {
  return `SELECT DISTINCT visitId FROM ${ACTIVITY} WHERE ${all([...buildConditions(ofUser), `visitId != ''`])}`;
}

export async function countRows(server: Server, condition: string): Promise<number> {
  const [row] = await server.query<{ count: number }>(
    `SELECT count() AS count FROM ${ACTIVITY} WHERE ${condition}`,
  );
  return row?.count ?? 0;
}

/** Like {@link selectionSql}, but without subqueries, which replicas refuse in deletions. No activity matches two conditions. */
export async function splitSelection(
  server: Server,
  { filter, keepAnonymous }: ErasureSelection,
): Promise<string[]> {
  const own = all(buildConditions(filter));
  const split = keepAnonymous ? undefined : splitByUser(filter);
  if (!split) return [own];
  const visits = await server.query<{ visitId: string }>(visitsSql(split.ofUser));
  const anonymous = Array.from(lists(visits), (some) =>
    all([
      ...buildConditions(split.others),
      'userId IS NULL',
      `visitId IN ${texts(some.map(({ visitId }) => visitId))}`,
    ]),
  );
  // In this order, because the user's own activities decide which visits these are.
  return [...anonymous, own];
}
