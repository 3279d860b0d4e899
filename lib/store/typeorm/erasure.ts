import type { DataSource, SelectQueryBuilder } from 'typeorm';
import { Activity, type Properties } from '../../activity/activity.js';
import { splitByUser } from '../../activity/activity.filter.js';
import { type Cursor, MAX_LIMIT } from '../../activity/pagination.js';
import { Session } from '../../activity/session.js';
import { chunks } from '../../database/chunks.js';
import { connectionsOf } from '../../database/connections.js';
import { dialectOf, type Insert, type Statement } from '../../database/dialects/dialect.js';
import { queryPrimary } from '../../database/primary.js';
import { escapePath, Table } from '../../database/table.js';
import { monotonicClock } from '../../time/clock.js';
import type { ErasureSelection } from '../erasure.types.js';
import { filteredBy, readPage, type Selection } from './reading/activities.js';
import { noBotSql } from './activity-query.js';
import { restoreMissingSessions } from './missing-sessions.js';
import { dirtyRangesForDelete } from './statistics/rollup/dirty-ranges.js';
import { CookielessVisit } from './tables/cookieless.entity.js';
import { DirtyRange } from './statistics/rollup/tables/dirty-range.entity.js';

/**
 * Called after each step, also after one that failed: it may have been committed although the answer was lost.
 * @param took milliseconds
 */
export type AfterStep = (took: number) => void | Promise<void>;

/** The change that is made to activities. */
export type Change =
  | { kind: 'erase' }
  /** Erases activities, but leaves their counts in the statistics. */
  | { kind: 'erase-frozen' }
  | { kind: 'anonymise'; properties: string[] };

/** How often removing properties is retried if another anonymisation has changed them in the meantime. */
const MAX_TRIES = 50;

/** Erases or anonymises activities in steps, and erases the sessions that have none left. */
export class Erasure {
  constructor(
    private readonly dataSource: DataSource,
    private readonly afterStep: AfterStep,
    private readonly change: Change,
  ) {}

  /** @returns how many activities were changed */
  async run(selection: ErasureSelection): Promise<number> {
    let changed = 0;
    for (const part of splitSelection(selection, this.change)) changed += await this.changePart(part);
    if (!splitByUser(selection.filter)) return changed;
    // The session of a login may have become the user's in the meantime; without the user's activities it no longer can.
    for (const part of splitSelection({ ...selection, keepAnonymous: true }, this.change))
      changed += await this.changePart(part);
    return changed;
  }

  /** Changes activities in the order of dates, up to the one that is the last now, so that it ends although more activities arrive. */
  private async changePart(part: Selection): Promise<number> {
    const { dataSource } = this;
    const [last] = await readPage(dataSource, part, { limit: 1, order: 'desc' });
    if (!last) return 0;
    const upTo: Selection = (manager) =>
      part(manager).andWhere('activity.date <= :last', { last: +last.date });
    let changed = 0;
    let after: Cursor | undefined;
    let rows: Activity[];
    do {
      rows = await readPage(dataSource, upTo, { limit: MAX_LIMIT, after, order: 'asc' });
      for (const some of chunks(rows, dialectOf(dataSource).erasedAtOnce))
        changed += await this.changeRows(some);
      const end = rows.at(-1);
      after = end && { date: end.date.getTime(), id: end.id };
    } while (rows.length === MAX_LIMIT);
    return changed;
  }

  private async changeRows(rows: Activity[]): Promise<number> {
    if (this.change.kind !== 'anonymise') return this.step(rows, this.buildDeletion(rows), []);
    // Bots keep their session, because only the session says that it is a bot.
    const { properties } = this.change;
    let changed = 0;
    for (const ofBots of [false, true]) {
      const some = rows.filter(
        (row) => (row.session?.bot ?? false) === ofBots && isIdentifying(row, ofBots, properties),
      );
      if (some.length === 0) continue;
      changed += await this.step(
        some,
        this.buildAnonymisation(some, ofBots),
        await this.updatesOfProperties(some, properties),
      );
      await this.removeProperties(some, properties, ofBots);
    }
    return changed;
  }

  /** Changes the activities, and deletes the sessions that have none left, in one transaction. */
  private async step(rows: Activity[], change: Statement, others: Statement[]): Promise<number> {
    const { dataSource } = this;
    const begun = monotonicClock.now();
    const sessions = new Map(rows.flatMap(({ session }) => (session ? [[session.id, session]] : [])));
    const dirty = new Table(dataSource, DirtyRange, { clock: 'createdAt' });
    const statements: (Statement | Insert)[] = [
      ...others,
      ...(this.change.kind === 'erase-frozen' ? [] : [dirty.insert(dirtyRangesForDelete(rows))]),
      ...(sessions.size > 0 ? this.deletionsOfSessions([...sessions.keys()]) : []),
    ];
    let changed: number;
    try {
      changed = await connectionsOf(dataSource).ask((signal) =>
        dialectOf(dataSource).transact(dataSource, change, statements, signal),
      );
    } finally {
      await this.afterStep(monotonicClock.now() - begun);
    }
    // The deletion does not see activities that were being written at the same moment.
    await restoreMissingSessions(
      dataSource,
      [...sessions].map(([id, session]) => ({ id, row: () => session })),
    );
    return changed;
  }

  private buildDeletion(rows: Activity[]): Statement {
    return this.dataSource
      .createQueryBuilder()
      .delete()
      .from(Activity)
      .whereInIds(rows.map(({ id }) => id))
      .getQueryAndParameters();
  }

  private buildAnonymisation(rows: Activity[], ofBots: boolean): Statement {
    const nobody = { userId: null, userName: null, groupName: null, ipAddress: null };
    return this.dataSource
      .createQueryBuilder()
      .update(Activity)
      .set(ofBots ? nobody : { ...nobody, sessionId: null })
      .whereInIds(rows.map(({ id }) => id))
      .getQueryAndParameters();
  }

  /** Repeats until none has the properties: another anonymisation may have changed them between a read and its update. */
  private async removeProperties(rows: Activity[], properties: string[], ofBots: boolean): Promise<void> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      const updates = await this.updatesOfProperties(rows, properties);
      if (updates.length === 0) return;
      await this.step(rows, this.buildAnonymisation(rows, ofBots), updates);
    }
    throw new Error(
      `properties of activities have changed ${MAX_TRIES} times while some were being removed; try again`,
    );
  }

  /** Returns an update for each activity that has one of the properties. It does nothing if they have changed since they were read. */
  private async updatesOfProperties(rows: Activity[], removed: string[]): Promise<Statement[]> {
    const ids = rows.filter(({ properties }) => hasAny(properties, removed)).map(({ id }) => id);
    if (ids.length === 0) return [];
    // Compared as text, because SQL of the host may have stored blanks or another order of the keys.
    const stored = await queryPrimary(this.dataSource, (manager) =>
      manager
        .createQueryBuilder(Activity, 'activity')
        .select('activity.id', 'id')
        .addSelect('activity.properties', 'text')
        .where('activity.id IN (:...ids)', { ids })
        .andWhere('activity.properties IS NOT NULL')
        .getRawMany<{ id: string; text: string }>(),
    );
    return stored.flatMap(({ id, text }) => {
      const properties: Properties = JSON.parse(text);
      if (!hasAny(properties, removed)) return [];
      const left = Object.entries(properties).filter(([key]) => !removed.includes(key));
      const after = left.length > 0 ? JSON.stringify(Object.fromEntries(left)) : null;
      const update = this.dataSource
        .createQueryBuilder()
        .update(Activity)
        .set({ properties: () => ':after' })
        .where('id = :id AND properties = :before', { id, before: text, after });
      return [update.getQueryAndParameters()];
    });
  }

  /** Deletes the sessions without activities, and their latest cookieless visits. */
  private deletionsOfSessions(sessions: string[]): Statement[] {
    return [
      this.deletionWithoutActivities(CookielessVisit, 'sessionId', sessions),
      this.deletionWithoutActivities(Session, 'id', sessions),
    ];
  }

  private deletionWithoutActivities(
    entity: typeof CookielessVisit | typeof Session,
    key: 'sessionId' | 'id',
    sessions: string[],
  ): Statement {
    const { tablePath } = this.dataSource.getMetadata(entity);
    const sessionId = `${escapePath(this.dataSource, tablePath)}.${this.dataSource.driver.escape(key)}`;
    const others = this.dataSource
      .createQueryBuilder()
      .subQuery()
      .from(Activity, 'other')
      .where(`other.sessionId = ${sessionId}`);
    return this.dataSource
      .createQueryBuilder()
      .delete()
      .from(entity)
      .where(`${key} IN (:...sessions)`, { sessions })
      .andWhere(`NOT EXISTS ${others.getQuery()}`)
      .getQueryAndParameters();
  }
}

function isIdentifying(
  { userId, userName, groupName, ipAddress, sessionId, properties }: Activity,
  ofBot: boolean,
  removed: string[],
): boolean {
  const isSomebody = [userId, userName, groupName, ipAddress].some((value) => value !== null);
  return isSomebody || (sessionId !== null && !ofBot) || hasAny(properties, removed);
}

function hasAny(properties: Properties | null, keys: string[]): boolean {
  return properties !== null && keys.some((key) => Object.hasOwn(properties, key));
}

/** Returns how many activities an {@link Erasure} would change. */
export async function countToErase(
  dataSource: DataSource,
  selection: ErasureSelection,
  change: Change,
): Promise<number> {
  let count = 0;
  for (const part of splitSelection(selection, change))
    count += await queryPrimary(dataSource, (manager) => part(manager).getCount());
  return count;
}

/** The activities to erase, in parts, each in the order of dates. */
export function splitSelection({ filter, keepAnonymous }: ErasureSelection, change: Change): Selection[] {
  const selected: Selection = (manager) => {
    const query = filteredBy(manager, filter);
    return change.kind === 'anonymise' ? notYetAnonymous(query, change.properties) : query;
  };
  const split = keepAnonymous ? undefined : splitByUser(filter);
  if (!split) return [selected];
  const anonymous: Selection = (manager) => {
    const visits = filteredBy(manager, split.ofUser)
      .select('activity.visitId')
      .andWhere('activity.visitId IS NOT NULL');
    return filteredBy(manager, split.others)
      .andWhere('activity.userId IS NULL')
      .andWhere(`activity.visitId IN (${visits.getQuery()})`, visits.getParameters());
  };
  // In this order, because the user's own activities decide which visits these are.
  return [anonymous, selected];
}

/** True if an activity identifies somebody, or has one of the properties. */
function notYetAnonymous(
  query: SelectQueryBuilder<Activity>,
  properties: string[],
): SelectQueryBuilder<Activity> {
  const conditions = [
    ...['userId', 'userName', 'groupName', 'ipAddress'].map((column) => `activity.${column} IS NOT NULL`),
    `(activity.sessionId IS NOT NULL AND ${noBotSql(query)})`,
  ];
  // Candidates: a value, and a key inside of another property, match too; blanks may follow if SQL has stored it.
  for (const [i, key] of properties.entries()) {
    conditions.push(`activity.properties LIKE :gone${i} ESCAPE '!'`);
    query.setParameter(`gone${i}`, `%${JSON.stringify(key).replaceAll(/[!%_]/g, '!$&')}%`);
  }
  return query.andWhere(`(${conditions.join(' OR ')})`);
}
