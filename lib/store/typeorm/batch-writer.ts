import type { DataSource } from 'typeorm';
import { Activity, type ActivityOnPage } from '../../activity/activity.js';
import { receivedLater } from '../../activity/received-later.js';
import { Session } from '../../activity/session.js';
import { connectionsOf } from '../../database/connections.js';
import { DatabaseClock } from '../../database/database-clock.js';
import { dialectOf, type Insert } from '../../database/dialects/dialect.js';
import { Table } from '../../database/table.js';
import { monotonicClock } from '../../time/clock.js';
import type { Write } from '../batch.js';
import type { TypeOrmOutbox } from './typeorm.outbox.js';
import { dirtyRangesForInsert } from './statistics/rollup/dirty-ranges.js';
import { DirtyRange } from './statistics/rollup/tables/dirty-range.entity.js';

/** Writes batches of activities and sessions, each in one transaction. */
export class BatchWriter {
  private readonly clock: DatabaseClock;
  private readonly sessions: Table;
  private readonly activities: Table;
  private readonly dirtyRanges: Table;

  constructor(
    private readonly dataSource: DataSource,
    private readonly outbox: TypeOrmOutbox,
    private readonly onWritten: () => void,
  ) {
    this.clock = new DatabaseClock(dataSource);
    this.sessions = new Table(dataSource, Session);
    this.activities = new Table(dataSource, Activity);
    this.dirtyRanges = new Table(dataSource, DirtyRange, { clock: 'createdAt' });
  }

  /** See `Store.clockAhead`. */
  get clockAhead(): number {
    return this.clock.ahead();
  }

  /** See `Store.lendWriter`. */
  async lend(work: (write: Write) => Promise<void>, cancel: AbortSignal): Promise<void> {
    const connections = connectionsOf(this.dataSource);
    const dialect = dialectOf(this.dataSource);
    const release = await connections.writers.take();
    try {
      await connections.use(async (connection) => {
        await work(async ({ activities, sessions }, within) => {
          const deadline = monotonicClock.now() + within;
          // Here, because the caller watches whether the database answers.
          await this.clock.measure(connection.runner);
          const inserts = activities.length > 0 ? this.buildInserts(activities) : [];
          // In one order, so that transactions that store the same sessions cannot deadlock.
          const inOrder = sessions.toSorted((a, b) => (a.id < b.id ? -1 : 1));
          if (sessions.length > 0) inserts.unshift(this.sessions.insert(inOrder));
          await dialect.write(connection, inserts, Math.max(deadline - monotonicClock.now(), 1));
          this.onWritten();
        });
      }, cancel);
    } finally {
      release();
    }
  }

  /** Returns the inserts of activities, of the time ranges whose statistics they change, and of what waits for subscriptions. */
  buildInserts(activities: ActivityOnPage[]): Insert[] {
    const rows = receivedLater(activities, this.clockAhead);
    // The activities last: if a host's transaction is committed although one of the statements has failed, none lacks the others.
    return [
      ...this.outbox.buildInserts(rows),
      this.dirtyRanges.insert(dirtyRangesForInsert(rows)),
      this.activities.insert(rows),
    ];
  }
}
