import type { DataSource } from 'typeorm';
import type { ActivityFilter } from '../activity.filter.js';
import type { Cursor } from '../cursor.js';
import { type Dialect, dialectOf, type Records } from '../dialects/dialect.js';
import { activitiesAfter, sessionsOf } from './queries.js';
import { walk } from './walk.js';

const PAGE = 4000;

/** What a record of an activity has. */
export const ACTIVITY_COLUMNS = [
  'id',
  'date',
  'receivedAt',
  'name',
  'path',
  'referer',
  'properties',
  'userId',
  'userName',
  'sessionId',
  'visitId',
  'ipAddress',
] as const;

/** What a record of a session has. */
export const SESSION_COLUMNS = [
  'id',
  'userAgent',
  'startedAt',
  'browser',
  'system',
  'device',
  'bot',
] as const;

/** Reads many activities where nothing is made of them but text: see {@link Records}. */
export class RecordReader {
  private constructor(
    private readonly dataSource: DataSource,
    private readonly read: NonNullable<Dialect['records']>,
  ) {}

  /** @returns nothing where the database has no records */
  static of(dataSource: DataSource): RecordReader | undefined {
    const { records } = dialectOf(dataSource);
    return records && new RecordReader(dataSource, records);
  }

  /** The oldest first, in pages. */
  activities(filter: ActivityFilter, after?: Cursor): AsyncGenerator<PageOfRecords, void, void> {
    return walk(PAGE, after, async (place) => {
      const query = activitiesAfter(this.dataSource, filter, place).limit(PAGE);
      const records = await this.read(this.dataSource, query, ACTIVITY_COLUMNS);
      const [id = '', date = ''] = records.last.slice(1).split(',', 2);
      const last = { id, date };
      return { page: { ...records, last }, count: records.count, last };
    });
  }

  sessions(ids: string[]): Promise<Records> {
    return this.read(this.dataSource, sessionsOf(this.dataSource, ids), SESSION_COLUMNS);
  }
}

export interface PageOfRecords extends Omit<Records, 'last'> {
  /** The place of the last. */
  last: { id: string; date: string };
}
