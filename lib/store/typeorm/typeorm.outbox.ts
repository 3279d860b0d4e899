import type { DataSource } from 'typeorm';
import { Activity, type StoredActivity } from '../../activity/activity.js';
import type { Cursor } from '../../activity/pagination.js';
import { chunks } from '../../database/chunks.js';
import { connectionsOf } from '../../database/connections.js';
import { dialectOf, type Insert } from '../../database/dialects/dialect.js';
import { uncached } from '../../database/primary.js';
import { Table } from '../../database/table.js';
import type {
  DeliveryState,
  History,
  Outbox,
  OutboxSubscription,
  Settlement,
  SubscriptionStatus,
  WaitingEntry,
} from '../outbox.js';
import { OutboxDatabase } from './outbox-database.js';
import { filteredBy, readPage } from './reading/activities.js';
import { OutboxEntry, SubscriptionState } from './tables/outbox.entity.js';

/** Milliseconds. No lease is longer, so if one ends later than this, the clock was ahead when it was taken. */
const MAX_LEASE = 3_600_000;
/**
 * Milliseconds for which activities that precede a subscription may still be received after it was stored, because clocks differ and old
 * instances without the subscription may still run.
 */
const HISTORY_MARGIN = 600_000;
/** The cursor before all activities. */
const BEGINNING: Cursor = { date: -1, id: '00000000-0000-0000-0000-000000000000' };
/** How many entries one transaction deletes, and how many one statement of a sweep reads. */
const DELETED_AT_ONCE = 1000;
const SWEPT_AT_ONCE = 10_000;
/** Milliseconds that the insertion of subscriptions may take. */
const REGISTRATION = 10_000;

/** The condition that this process still has the lease. */
const IS_HOLDER = 'name = :name AND holder = :holder';

/** The outbox of a TypeORM data source. */
export class TypeOrmOutbox implements Outbox {
  private readonly entryTable: Table;
  private readonly database: OutboxDatabase;

  /** @param subscriptions for which this process adds entries */
  constructor(
    private readonly dataSource: DataSource,
    private readonly subscriptions: OutboxSubscription[],
  ) {
    this.database = new OutboxDatabase(dataSource);
    this.entryTable = new Table(dataSource, OutboxEntry, { generated: 'number' });
  }

  /** Returns the inserts for the transaction that writes the activities. */
  buildInserts(activities: StoredActivity[]): Insert[] {
    if (this.subscriptions.length === 0) return [];
    const entries = this.subscriptions.flatMap(({ name, matches }) =>
      activities.filter(matches).map(({ id }) => ({ subscription: name, activityId: id })),
    );
    return entries.length > 0 ? [this.entryTable.insert(entries)] : [];
  }

  async register(name: string, fromBeginning: boolean): Promise<void> {
    const { dataSource } = this;
    const row = {
      name,
      failures: 0,
      retryAt: new Date(0),
      parkedAt: null,
      error: null,
      holder: null,
      leaseUntil: new Date(0),
      historyDate: fromBeginning ? new Date(BEGINNING.date) : null,
      historyId: fromBeginning ? BEGINNING.id : null,
    };
    const insertion = new Table(dataSource, SubscriptionState, { clock: 'createdAt' }).insert([row]);
    await this.database.askAsWriter((signal) =>
      connectionsOf(dataSource).use(
        (connection) => dialectOf(dataSource).write(connection, [insertion], REGISTRATION),
        signal,
      ),
    );
  }

  async take(name: string, holder: string, lease: number): Promise<DeliveryState | undefined> {
    const now = this.database.now;
    const isTaken = await this.database.update(
      {
        // Must come first: MariaDB sets one column after the other, and this reads the old holder.
        failures: () =>
          'CASE WHEN holder <> :holder AND parkedAt IS NULL THEN failures + 1 ELSE failures END',
        holder,
        leaseUntil: () => `${now} + ${lease}`,
      },
      `name = :name AND (holder IS NULL OR holder = :holder OR leaseUntil <= ${now} OR leaseUntil > ${now} + ${MAX_LEASE})`,
      { name, holder },
    );
    if (!isTaken) return undefined;
    const { state, at } = await this.read(name);
    if (!state) return undefined;
    const { failures, retryAt, parkedAt, error, historyDate, historyId } = state;
    const history = historyDate && historyId !== null ? { date: historyDate.getTime(), id: historyId } : null;
    const parkedFor = parkedAt ? at - parkedAt.getTime() : undefined;
    return { failures, retryIn: Math.max(0, retryAt.getTime() - at), parkedFor, error, history };
  }

  renew(name: string, holder: string, lease: number, error?: string): Promise<boolean> {
    const values = {
      leaseUntil: () => `${this.database.now} + ${lease}`,
      ...(error !== undefined && { error }),
    };
    return this.database.update(values, IS_HOLDER, { name, holder });
  }

  async release(name: string, holder: string): Promise<void> {
    await this.database.update({ holder: null, leaseUntil: () => this.database.now }, IS_HOLDER, {
      name,
      holder,
    });
  }

  async findWaiting(name: string, limit: number): Promise<WaitingEntry[]> {
    const rows = await this.database.committed<{ number: string | number; activityId: string }>(
      this.dataSource
        .createQueryBuilder(OutboxEntry, 'entry')
        .select('entry.number', 'number')
        .addSelect('entry.activityId', 'activityId')
        .where('entry.subscription = :name', { name })
        .orderBy('entry.number')
        .limit(limit)
        .getQueryAndParameters(),
    );
    const ids = [...new Set(rows.map(({ activityId }) => activityId))];
    const found = new Map<string, Activity>();
    for (const some of chunks(ids))
      for (const each of await this.database.findActivities(some)) found.set(each.id, each);
    return rows.map(({ number, activityId }) => {
      const activity = found.get(activityId);
      found.delete(activityId);
      return { number: Number(number), activity };
    });
  }

  async findHistory(name: string, after: Cursor, limit: number): Promise<History> {
    const { state } = await this.read(name);
    if (!state) return { activities: [], next: null };
    const until = state.createdAt.getTime() + HISTORY_MARGIN;
    const activities = await readPage(
      this.dataSource,
      (manager) => filteredBy(manager, {}).andWhere('activity.receivedAt <= :until', { until }),
      { limit, after, order: 'asc' },
    );
    const last = activities.at(-1);
    const isLast = activities.length < limit || !last;
    return { activities, next: isLast ? null : { date: last.date.getTime(), id: last.id } };
  }

  async settle(name: string, holder: string, lease: number, result: Settlement): Promise<boolean> {
    const { entries = [], history, failure } = result;
    const now = this.database.now;
    const values = {
      leaseUntil: () => `${now} + ${lease}`,
      failures: failure ? (): string => 'failures + 1' : 0,
      error: failure?.error ?? null,
      ...(failure && { retryAt: () => `${now} + ${Math.ceil(failure.retryIn)}` }),
      ...(failure?.isParked && { parkedAt: () => now }),
      ...(history !== undefined && {
        historyDate: history && new Date(history.date),
        historyId: history && history.id,
      }),
    };
    const deletions = chunks(entries).map((numbers) => this.database.buildDeletion(numbers));
    // It may have been ended since it was read.
    const condition = history === undefined ? IS_HOLDER : `${IS_HOLDER} AND historyDate IS NOT NULL`;
    return this.database.update(values, condition, { name, holder }, deletions);
  }

  resume(name: string, endsHistory: boolean): Promise<boolean> {
    const values = {
      failures: 0,
      retryAt: (): string => '0',
      parkedAt: null,
      error: null,
      ...(endsHistory && { historyDate: null, historyId: null }),
    };
    return this.database.update(values, 'name = :name', { name });
  }

  async discard(name: string): Promise<void> {
    for (;;) {
      const rows = await this.database.committed<{ number: string | number }>(
        this.dataSource
          .createQueryBuilder(OutboxEntry, 'entry')
          .select('entry.number', 'number')
          .where('entry.subscription = :name', { name })
          .orderBy('entry.number')
          .limit(DELETED_AT_ONCE)
          .getQueryAndParameters(),
      );
      await this.database.deleteEntries(rows);
      if (rows.length < DELETED_AT_ONCE) return;
    }
  }

  async status(): Promise<SubscriptionStatus[]> {
    const { dataSource } = this;
    return this.database.ask((signal) =>
      connectionsOf(dataSource).use(async ({ runner }) => {
        const manager = uncached(dataSource, runner);
        const subscriptions = await manager.find(SubscriptionState, { order: { name: 'ASC' } });
        const counts = await manager
          .createQueryBuilder(OutboxEntry, 'entry')
          .select('entry.subscription', 'name')
          .addSelect('COUNT(*)', 'waiting')
          .groupBy('entry.subscription')
          .getRawMany<{ name: string; waiting: string | number }>();
        const waiting = new Map(counts.map((row) => [row.name, Number(row.waiting)]));
        return subscriptions.map(({ name, failures, error, retryAt, parkedAt, historyDate }) => ({
          name,
          waiting: waiting.get(name) ?? 0,
          isCatchingUp: historyDate !== null,
          failures,
          error,
          nextTryAt: failures > 0 && !parkedAt ? retryAt : null,
          parkedAt,
        }));
      }, signal),
    );
  }

  async deleteAbandoned(after: number): Promise<void> {
    const isAbandoned = (alias = ''): string =>
      `${alias}leaseUntil < ${this.database.now} - ${after} AND ${alias}createdAt < ${this.database.now} - ${after}`;
    const rows = await this.database.committed<{ name: string }>(
      this.dataSource
        .createQueryBuilder(SubscriptionState, 'subscription')
        .select('subscription.name', 'name')
        .where(isAbandoned('subscription.'))
        .getQueryAndParameters(),
    );
    for (const { name } of rows) {
      const deletion = this.dataSource
        .createQueryBuilder()
        .delete()
        .from(SubscriptionState)
        .where(`name = :name AND ${isAbandoned()}`, { name });
      if ((await this.database.transact(deletion.getQueryAndParameters(), [])) > 0) await this.discard(name);
    }
  }

  /** Deletes the entries of activities that were erased, in steps. */
  async sweep(): Promise<void> {
    const { dataSource } = this;
    const [ends] = await this.database.committed<{
      first: string | number | null;
      last: string | number | null;
    }>(
      dataSource
        .createQueryBuilder(OutboxEntry, 'entry')
        .select('MIN(entry.number)', 'first')
        .addSelect('MAX(entry.number)', 'last')
        .getQueryAndParameters(),
    );
    if (!ends || ends.first === null) return;
    for (let from = Number(ends.first); from <= Number(ends.last); from += SWEPT_AT_ONCE) {
      const rows = await this.database.committed<{ number: string | number }>(
        dataSource
          .createQueryBuilder(OutboxEntry, 'entry')
          .select('entry.number', 'number')
          .leftJoin(Activity, 'activity', 'activity.id = entry.activityId')
          .where('entry.number >= :from AND entry.number < :to', { from, to: from + SWEPT_AT_ONCE })
          .andWhere('activity.id IS NULL')
          .getQueryAndParameters(),
      );
      await this.database.deleteEntries(rows);
    }
  }

  private read(name: string): Promise<{ state: SubscriptionState | null; at: number }> {
    const { dataSource } = this;
    return this.database.askAsWriter((signal) =>
      connectionsOf(dataSource).use(async ({ runner }) => {
        const manager = uncached(dataSource, runner);
        const state = await manager.findOneBy(SubscriptionState, { name });
        const [row]: { now: string | number }[] = await manager.query(`SELECT ${this.database.now} AS now`);
        return { state, at: Number(row?.now) };
      }, signal),
    );
  }
}
