import { randomUUID } from 'node:crypto';
import type { DataSource, UpdateQueryBuilder } from 'typeorm';
import { connectionsOf } from '../../../../database/connections.js';
import { dialectOf, type Statement } from '../../../../database/dialects/dialect.js';
import { failureOf } from '../../../../database/driver.js';
import { onPrimary } from '../../../../database/primary.js';
import { monotonicClock } from '../../../../time/clock.js';
import { RollupState } from './tables/rollups.entity.js';

/** Milliseconds after which another instance takes over from one that is frozen or gone. */
const LEASE = 3000;
/** Milliseconds between two renewals during a step that takes longer than that. */
const RENEWAL = 1000;

/** Whether this instance may work. */
export interface Turn {
  state: RollupState;
  /** Milliseconds since 1970, by the database's clock. */
  now: number;
  /** Whether no other instance holds the lease. */
  isOurs: boolean;
}

/**
 * The right to work on the statistics: a row with a deadline by the database's clock. It only saves work. That a late step
 * does no harm is due to the version, which each step checks and changes when it commits.
 */
export class RollupLease {
  readonly holder = randomUUID();
  /** By the monotonic clock. */
  private heldUntil = 0;
  private isRenewing = false;

  constructor(private readonly dataSource: DataSource) {}

  /** @returns `undefined` if the statistics were never computed */
  async take(): Promise<Turn | undefined> {
    const read = await this.read();
    if (!read) return undefined;
    const { state, now } = read;
    const { leaseHolder, leaseUntil } = state;
    const isFree =
      leaseHolder === null ||
      leaseHolder === this.holder ||
      leaseUntil.getTime() <= now ||
      // A clock was ahead.
      leaseUntil.getTime() > now + 2 * LEASE;
    if (!isFree) return { state, now, isOurs: false };
    if (leaseHolder === this.holder && monotonicClock.now() < this.heldUntil - LEASE / 2)
      return { state, now, isOurs: true };
    return { state, now, isOurs: await this.acquire(state) };
  }

  /** Ends the lease, so that another instance need not wait for its deadline. */
  async release(): Promise<void> {
    if (this.heldUntil === 0) return;
    this.heldUntil = 0;
    await this.change(this.ownUpdate({ leaseHolder: null }));
  }

  /** Does what takes long, and changes nothing, without losing the lease. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const timer = setInterval(() => void this.renew(), RENEWAL).unref();
    try {
      return await work();
    } finally {
      clearInterval(timer);
    }
  }

  /** What a step sets when it commits. */
  extension(): { leaseHolder: string; leaseUntil: () => string } {
    this.heldUntil = monotonicClock.now() + LEASE;
    const { now } = dialectOf(this.dataSource);
    return { leaseHolder: this.holder, leaseUntil: () => `${now} + ${LEASE}` };
  }

  /**
   * In the place of a writer: questions that take long must not end the lease, and the step has the place of the update.
   * It never rejects: whoever takes over does what this instance would have done.
   */
  private async renew(): Promise<void> {
    if (this.isRenewing) return;
    this.isRenewing = true;
    try {
      await connectionsOf(this.dataSource).ask(
        (signal) => this.change(this.ownUpdate(this.extension()), signal),
        { timeout: LEASE, subject: null, slots: connectionsOf(this.dataSource).writers },
      );
    } catch {
      // The next one may work.
    } finally {
      this.isRenewing = false;
    }
  }

  private ownUpdate(values: Parameters<UpdateQueryBuilder<RollupState>['set']>[0]): Statement {
    return this.dataSource
      .createQueryBuilder()
      .update(RollupState)
      .set(values)
      .where({ id: 1, leaseHolder: this.holder })
      .getQueryAndParameters();
  }

  private async read(): Promise<{ state: RollupState; now: number } | undefined> {
    return onPrimary(this.dataSource, async (manager) => {
      const state = await manager.findOneBy(RollupState, { id: 1 });
      const [row]: { now: string | number }[] = await manager.query(
        `SELECT ${dialectOf(this.dataSource).now} AS now`,
      );
      return state ? { state, now: Number(row?.now) } : undefined;
    });
  }

  /** Only if it is as it was read: of two instances that want it, one gets it. */
  private async acquire({ id, leaseHolder, leaseUntil, version }: RollupState): Promise<boolean> {
    const update = this.dataSource
      .createQueryBuilder()
      .update(RollupState)
      .set(this.extension())
      .where('id = :id AND version = :version AND leaseUntil = :until', {
        id,
        version,
        until: leaseUntil.getTime(),
      });
    if (leaseHolder === null) update.andWhere('leaseHolder IS NULL');
    else update.andWhere('leaseHolder = :leaseHolder', { leaseHolder });
    const isOurs = await this.change(update.getQueryAndParameters());
    if (!isOurs) this.heldUntil = 0;
    return isOurs;
  }

  /** @returns whether the row was changed; not while another instance has it locked */
  private async change(update: Statement, signal?: AbortSignal): Promise<boolean> {
    try {
      return (await dialectOf(this.dataSource).transact(this.dataSource, update, [], signal)) > 0;
    } catch (error) {
      if (failureOf(this.dataSource, error)?.isLocked) return false;
      throw error;
    }
  }
}
