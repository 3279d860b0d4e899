import { type DataSource, In, type UpdateQueryBuilder } from 'typeorm';
import { Activity } from '../../activity/activity.js';
import { chunks } from '../../database/chunks.js';
import { connectionsOf } from '../../database/connections.js';
import { dialectOf, type Statement } from '../../database/dialects/dialect.js';
import { uncached } from '../../database/primary.js';
import { OutboxEntry, SubscriptionState } from './tables/outbox.entity.js';

/** The log text if the database fails. */
const SYMPTOM = 'subscriptions cannot be delivered';

/** Runs the statements of the outbox. */
export class OutboxDatabase {
  constructor(private readonly dataSource: DataSource) {}

  /** The SQL of the current time, in milliseconds since 1970. */
  get now(): string {
    return dialectOf(this.dataSource).now;
  }

  /** Returns the rows of committed entries; see the dialect. */
  committed<T>(query: Statement): Promise<T[]> {
    return this.ask((signal) => dialectOf(this.dataSource).committed<T>(this.dataSource, query, signal));
  }

  /**
   * Updates a subscription, and runs the statements in the same transaction.
   * @returns false if no row matches the condition; then nothing is changed
   */
  async update(
    values: Parameters<UpdateQueryBuilder<SubscriptionState>['set']>[0],
    condition: string,
    parameters: Record<string, unknown>,
    statements: Statement[] = [],
  ): Promise<boolean> {
    const update = this.dataSource
      .createQueryBuilder()
      .update(SubscriptionState)
      .set(values)
      .where(condition, parameters)
      .getQueryAndParameters();
    return (await this.transact(update, statements)) > 0;
  }

  /** Runs the statements if the first one, `guard`, changes a row. */
  transact(guard: Statement, statements: Statement[]): Promise<number> {
    return this.askAsWriter((signal) =>
      dialectOf(this.dataSource).transact(this.dataSource, guard, statements, signal),
    );
  }

  /** Reads in this process: for a few keys it is not worth starting the process of the reader. */
  findActivities(ids: string[]): Promise<Activity[]> {
    const { dataSource } = this;
    return this.ask((signal) =>
      connectionsOf(dataSource).use(
        ({ runner }) =>
          uncached(dataSource, runner)
            .createQueryBuilder(Activity, 'activity')
            .leftJoinAndSelect('activity.session', 'session')
            .where({ id: In(ids) })
            .getMany(),
        signal,
      ),
    );
  }

  async deleteEntries(rows: { number: string | number }[]): Promise<void> {
    for (const some of chunks(rows))
      await this.transact(this.buildDeletion(some.map(({ number }) => Number(number))), []);
  }

  buildDeletion(numbers: number[]): Statement {
    return this.dataSource
      .createQueryBuilder()
      .delete()
      .from(OutboxEntry)
      .where('number IN (:...numbers)', { numbers })
      .getQueryAndParameters();
  }

  ask<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return connectionsOf(this.dataSource).ask(work, { symptom: SYMPTOM });
  }

  /** Uses a slot of the writers: slow questions must not delay it until the lease is over. */
  askAsWriter<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { writers } = connectionsOf(this.dataSource);
    return connectionsOf(this.dataSource).ask(work, { symptom: SYMPTOM, slots: writers });
  }
}
