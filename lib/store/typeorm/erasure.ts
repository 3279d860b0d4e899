import type { DataSource } from 'typeorm';
import { Activity } from '../../activity/activity.js';
import type { Cursor } from '../../activity/cursor.js';
import { MAX_LIMIT } from '../../activity/pagination.js';
import { Session } from '../../activity/session.js';
import { chunks } from '../../database/chunks.js';
import { connectionsOf } from '../../database/connections.js';
import { dialectOf, type Statement } from '../../database/dialects/dialect.js';
import { askOnPrimary } from '../../database/primary.js';
import { escapePath, Table } from '../../database/table.js';
import type { ErasureSelection } from '../store.js';
import { filteredBy, readPage, type Selection } from './reading/activities.js';
import { restoreMissingSessions } from './missing-sessions.js';
import { dirtyRangesForDelete } from './statistics/rollup/dirty-ranges.js';
import { DirtyRange } from './statistics/rollup/tables/dirty-range.entity.js';

/** Erases activities, and the sessions that have none left. */
export class Erasure {
  constructor(
    private readonly dataSource: DataSource,
    /** Called after each step, also after one that failed: it may have been committed although the answer was lost. */
    private readonly onErased: () => void,
  ) {}

  /** @returns how many activities were erased */
  async run(selection: ErasureSelection): Promise<number> {
    let erased = 0;
    for (const part of partsOf(selection)) erased += await this.erasePart(part);
    return erased;
  }

  /** In the order of dates, up to the last that is there at first, so that it ends whatever arrives meanwhile. */
  private async erasePart(part: Selection): Promise<number> {
    const { dataSource } = this;
    const [last] = await readPage(dataSource, part, { limit: 1, order: 'desc' });
    if (!last) return 0;
    const upTo: Selection = (manager) =>
      part(manager).andWhere('activity.date <= :last', { last: +last.date });
    let erased = 0;
    let after: Cursor | undefined;
    let rows: Activity[];
    do {
      rows = await readPage(dataSource, upTo, { limit: MAX_LIMIT, after, order: 'asc' });
      for (const some of chunks(rows, dialectOf(dataSource).erasedAtOnce))
        erased += await this.eraseRows(some);
      const end = rows.at(-1);
      after = end && { date: end.date.getTime(), id: end.id };
    } while (rows.length === MAX_LIMIT);
    return erased;
  }

  /** The activities, and the sessions that have none left, in one transaction. */
  private async eraseRows(rows: Activity[]): Promise<number> {
    const { dataSource } = this;
    const sessions = new Map(rows.flatMap(({ session }) => (session ? [[session.id, session]] : [])));
    const deletion = dataSource
      .createQueryBuilder()
      .delete()
      .from(Activity)
      .whereInIds(rows.map(({ id }) => id));
    const statements = [
      new Table(dataSource, DirtyRange, { clock: 'createdAt' }).insert(dirtyRangesForDelete(rows)),
      ...(sessions.size > 0 ? [this.deletionOfSessions([...sessions.keys()])] : []),
    ];
    let erased: number;
    try {
      erased = await connectionsOf(dataSource).ask((signal) =>
        dialectOf(dataSource).transact(dataSource, deletion.getQueryAndParameters(), statements, signal),
      );
    } finally {
      this.onErased();
    }
    // The deletion does not see activities that were being written at the same moment.
    await restoreMissingSessions(
      dataSource,
      [...sessions].map(([id, session]) => ({ id, row: () => session })),
    );
    return erased;
  }

  private deletionOfSessions(sessions: string[]): Statement {
    const { tablePath } = this.dataSource.getMetadata(Session);
    const sessionId = `${escapePath(this.dataSource, tablePath)}.${this.dataSource.driver.escape('id')}`;
    const others = this.dataSource
      .createQueryBuilder()
      .subQuery()
      .select('1')
      .from(Activity, 'other')
      .where(`other.sessionId = ${sessionId}`);
    return this.dataSource
      .createQueryBuilder()
      .delete()
      .from(Session)
      .where('id IN (:...sessions)', { sessions })
      .andWhere(`NOT EXISTS ${others.getQuery()}`)
      .getQueryAndParameters();
  }
}

/** How many activities an {@link Erasure} would take. */
export async function countToErase(dataSource: DataSource, selection: ErasureSelection): Promise<number> {
  let count = 0;
  for (const part of partsOf(selection))
    count += await askOnPrimary(dataSource, (manager) => part(manager).getCount());
  return count;
}

function partsOf({ filter, keepAnonymous }: ErasureSelection): Selection[] {
  const own: Selection = (manager) => filteredBy(manager, filter);
  const { user, ...others } = filter;
  if (user === undefined || keepAnonymous) return [own];
  const anonymous: Selection = (manager) => {
    const visits = manager
      .createQueryBuilder(Activity, 'own')
      .select('own.visitId')
      .where('own.userId = :user')
      .andWhere('own.visitId IS NOT NULL');
    return filteredBy(manager, others)
      .andWhere('activity.userId IS NULL')
      .andWhere(`activity.visitId IN (${visits.getQuery()})`, { user });
  };
  // In this order, because the user's own activities decide which visits these are.
  return [anonymous, own];
}
