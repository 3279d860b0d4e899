import { type DataSource, type EntityManager, In, type SelectQueryBuilder } from 'typeorm';
import { Activity } from '../../../activity/activity.js';
import type { ParsedFilter } from '../../../activity/activity.filter.js';
import type { Cursor } from '../../../activity/pagination.js';
import { chunks } from '../../../database/chunks.js';
import { connectionsOf } from '../../../database/connections.js';
import { dialectOf } from '../../../database/dialects/dialect.js';
import { driverOf } from '../../../database/driver.js';
import { queryPrimary, onPrimary, uncached } from '../../../database/primary.js';
import { escapePath } from '../../../database/table.js';
import type { VisitSpan } from '../../../activity/visit-id.js';
import type { PageRequest, Received } from '../../store.js';
import { applyAfter, applyFilter, sortColumns } from '../activity-query.js';

/** Some activities, alias `activity`. */
export type Selection = (manager: EntityManager) => SelectQueryBuilder<Activity>;

/** Alias `activity`. */
export function filteredBy(manager: EntityManager, filter: ParsedFilter): SelectQueryBuilder<Activity> {
  const query = manager.createQueryBuilder(Activity, 'activity');
  applyFilter(query, filter, dialectOf(manager.connection));
  return query;
}

/** Returns one page of activities with their sessions, ordered by date, then id. */
export function readPage(
  dataSource: DataSource,
  selection: Selection,
  { limit, after, order }: PageRequest,
): Promise<Activity[]> {
  const direction = order === 'asc' ? 'ASC' : 'DESC';
  const dialect = dialectOf(dataSource);
  return queryPrimary(dataSource, (manager) => {
    const query = selection(manager).leftJoinAndSelect('activity.session', 'session').limit(limit);
    for (const column of sortColumns(dialect)) query.addOrderBy(column, direction);
    if (after) applyAfter(query, after, direction, dialect);
    return query.getMany();
  });
}

/** How many received activities are compared with the known ones: at 100 a second, those of the last 20 s. */
const MAX_RECEIVED = 2000;

/** Those received within so many milliseconds until now, by the database's clock. */
export function findReceived(
  dataSource: DataSource,
  {
    within,
    limit,
    known,
    filter,
  }: { within: number; limit: number; known: ReadonlySet<string>; filter: ParsedFilter },
): Promise<Received> {
  const now = driverOf(dataSource)?.now ?? ':now';
  const read = async (manager: EntityManager): Promise<Received> => {
    const query = filteredBy(manager, filter)
      .select('activity.id', 'id')
      .andWhere(`activity.receivedAt > ${now} - :within`, { within, now: Date.now() })
      // A clock that was ahead would have its activities be the latest for ever.
      .andWhere(`activity.receivedAt < ${now} + :within`)
      .orderBy('activity.receivedAt', 'DESC')
      .addOrderBy('activity.id', 'DESC')
      .limit(MAX_RECEIVED);
    const { tablePath } = dataSource.getMetadata(Activity);
    const last = dialectOf(dataSource).writtenLast?.('activity', escapePath(dataSource, tablePath));
    const found = await (last ? query.andWhere(last) : query).getRawMany<{ id: string }>();
    const ids = found.map(({ id }) => id);
    const unknown = ids.filter((id) => !known.has(id)).slice(0, limit);
    if (unknown.length === 0) return { ids, activities: [] };
    const activities = await manager
      .createQueryBuilder(Activity, 'activity')
      .leftJoinAndSelect('activity.session', 'session')
      .where({ id: In(unknown) })
      .orderBy('activity.receivedAt', 'ASC')
      .addOrderBy('activity.id', 'ASC')
      .getMany();
    return { ids, activities };
  };
  return connectionsOf(dataSource).ask((signal) => onPrimary(dataSource, read, signal), {
    symptom: 'new activities cannot be read',
  });
}

/** Returns the place of an activity in the order; `undefined` if the filter does not match one with the id. */
export async function findCursor(
  dataSource: DataSource,
  id: string,
  filter: ParsedFilter,
): Promise<Cursor | undefined> {
  const found = await queryPrimary(dataSource, (manager) =>
    filteredBy(manager, filter)
      .select(['activity.id', 'activity.date'])
      .andWhere('activity.id = :id', { id })
      .getOne(),
  );
  return found ? { date: found.date.getTime(), id: found.id } : undefined;
}

/** See `Store.countStored`. It uses a connection of this process, because another process is not worth it for a few keys. */
export function countStored(dataSource: DataSource, ids: string[]): Promise<number> {
  const connections = connectionsOf(dataSource);
  const count = async (manager: EntityManager): Promise<number> => {
    let stored = 0;
    for (const some of chunks(ids)) stored += await manager.countBy(Activity, { id: In(some) });
    return stored;
  };
  return connections.ask((signal) =>
    connections.use(({ runner }) => count(uncached(dataSource, runner)), signal),
  );
}

/** See `Store.findSessionStarts`. */
export async function findSessionStarts(
  dataSource: DataSource,
  sessions: string[],
  filter: ParsedFilter,
): Promise<Map<string, Date>> {
  const starts = new Map<string, Date>();
  for (const some of chunks(sessions)) {
    const rows = await queryPrimary(dataSource, (manager) =>
      sessionStarts(filteredBy(manager, filter), some).getRawMany<SessionStart>(),
    );
    for (const { id, first } of rows) starts.set(id, new Date(Number(first)));
  }
  return starts;
}

/** The first activity of a session, in milliseconds since 1970. */
export interface SessionStart {
  id: string;
  first: string | number;
}

/** @param query of activities, alias `activity` */
export function sessionStarts(
  query: SelectQueryBuilder<Activity>,
  sessions: string[],
): SelectQueryBuilder<Activity> {
  return query
    .select('activity.sessionId', 'id')
    .addSelect('MIN(activity.date)', 'first')
    .andWhere('activity.sessionId IN (:...sessions)', { sessions })
    .groupBy('activity.sessionId');
}

/** The first and the last activity of visits. */
export async function findVisitSpans(manager: EntityManager, ids: string[]): Promise<VisitSpan[]> {
  const spans: VisitSpan[] = [];
  for (const some of chunks(ids)) {
    const rows = await manager
      .createQueryBuilder(Activity, 'activity')
      .select('activity.visitId', 'id')
      .addSelect('MIN(activity.date)', 'first')
      .addSelect('MAX(activity.date)', 'last')
      .where('activity.visitId IN (:...ids)', { ids: some })
      .groupBy('activity.visitId')
      .getRawMany<{ id: string; first: string | number; last: string | number }>();
    for (const { id, first, last } of rows) spans.push({ id, first: Number(first), last: Number(last) });
  }
  return spans;
}

/** See `Store.findVisitSpans`. */
export function askVisitSpans(dataSource: DataSource, ids: string[], timeout?: number): Promise<VisitSpan[]> {
  const connections = connectionsOf(dataSource);
  // On a connection of this process: long questions may hold all other processes that read SQLite.
  return connections.ask(
    (signal) => connections.use(({ runner }) => findVisitSpans(uncached(dataSource, runner), ids), signal),
    { timeout, symptom: 'the visits of activities cannot be looked up', slots: connections.writers },
  );
}
