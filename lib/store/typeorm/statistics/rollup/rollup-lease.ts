import { randomUUID } from 'node:crypto';
import type { DataSource, UpdateQueryBuilder } from 'typeorm';
import { connectionsOf } from '../../../../database/connections.js';
import { dialectOf, type Statement } from '../../../../database/dialects/dialect.js';
import { classifyFailure } from '../../../../database/driver.js';
import { onPrimary } from '../../../../database/primary.js';
import { monotonicClock } from '../../../../time/clock.js';
import { RollupState } from './tables/rollup-state.entity.js';

/** Milliseconds after which another instance takes over from a frozen or lost one. */
const LEASE = 3000;
/** Milliseconds between two renewals during a long step. */
const RENEWAL = 1000;

/** The lease as this instance has read it. */
export interface LeaseState {
  state: RollupState;
  /** Milliseconds since 1970, by the database's clock. */
  now: number;
  /** Whether no other instance holds the lease. */
  isOurs: boolean;
}

/**
 * The right to work on the statistics: a row with a deadline by the database's clock. It only avoids duplicate work. A late step
 * is harmless because each step checks and changes the version when it commits.
 */
export class RollupLease {
  readonly holder = randomUUID();
  /** By the monotonic clock. */
  private heldUntil = 0;
  private isRenewing = false;

  constructor(private readonly dataSource: DataSource) {}

  /** @returns `undefined` if the statistics were never computed */
  async take(): Promise<LeaseState | undefined> {
    const read = await this.read();
    if (!read) return undefined;
    const { state, now } = read;
    const { leaseHolder, leaseUntil } = state;
    const isFree =
      leaseHolder === null ||
      leaseHolder === this.holder ||
      leaseUntil.getTime() <= now ||
      // The clock was ahead when the lease was taken.
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

  /** Runs slow read-only work, and renews the lease during it. */
  async during<T>(work: () => Promise<T>): Promise<T> {
    const timer = setInterval(() => void this.renew(), RENEWAL).unref();
    try {
      return await work();
    } finally {
      clearInterval(timer);
    }
  }

  /** The columns that a step sets when it commits. */
  extension(): { leaseHolder: string; leaseUntil: () => string } {
    this.heldUntil = monotonicClock.now() + LEASE;
    const { now } = dialectOf(this.dataSource);
    return { leaseHolder: this.holder, leaseUntil: () => `${now} + ${LEASE}` };
  }

  /**
   * It takes the slot of a writer, because long questions must not end the lease, and the step has the slot of updates. It
   * never rejects: if it fails, another instance takes over.
   */
  private async renew(): Promise<void> {
    if (this.isRenewing) return;
    this.isRenewing = true;
    try {
      await connectionsOf(this.dataSource).ask(
        (signal) => this.change(this.ownUpdate(this.extension()), signal),
        { timeout: LEASE, symptom: null, slots: connectionsOf(this.dataSource).writers },
      );
    } catch {
      // The next renewal may succeed.
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

  /** Takes the lease only if it is unchanged since it was read, so that only one of two instances gets it. */
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

  /** Returns true if the row was changed; false also if another instance has locked it. */
  private async change(update: Statement, signal?: AbortSignal): Promise<boolean> {
    try {
      return (await dialectOf(this.dataSource).transact(this.dataSource, update, [], signal)) > 0;
    } catch (error) {
      if (classifyFailure(this.dataSource, error)?.isLocked) return false;
      throw error;
    }
  }
}
