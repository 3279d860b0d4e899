import { setTimeout as wait } from 'node:timers/promises';
import { type DataSource, type EntityManager, In } from 'typeorm';
import { chunks } from '../../../../database/chunks.js';
import { connectionsOf } from '../../../../database/connections.js';
import {
  type Dialect,
  dialectOf,
  type Insert,
  type Statement,
} from '../../../../database/dialects/dialect.js';
import { classifyFailure } from '../../../../database/driver.js';
import { onPrimary } from '../../../../database/primary.js';
import { monotonicClock } from '../../../../time/clock.js';
import { AbandonedError } from '../../../cancellation.js';
import { UnavailableError } from '../../../unavailable.error.js';
import { isLargeDue, MAX_LARGE_REST } from './as-of.js';
import { DailyCountCache } from './daily-count-cache.js';
import { RangeSelection } from './range-selection.js';
import { RollupLease, type LeaseState } from './rollup-lease.js';
import { loadState } from './rollup-state.js';
import { RollupStep } from './rollup-step.js';
import { DirtyRange } from './tables/dirty-range.entity.js';
import { RollupState } from './tables/rollup-state.entity.js';

/** Ids in one statement. */
export const IDS_AT_ONCE = 1000;
/** Milliseconds between two checks of what another instance has done. */
export const POLL = 50;
/** Milliseconds that an erasure or a command waits for other instances. */
const PATIENCE = 30_000;
/** Pauses after a step with a large visit, as a multiple of its time; only large visits wait for it. */
const LARGE_REST = 4;
/** After so many consecutive attempts that failed because of a lock, a warning is logged. */
const LOGGED_LOCKS = 3;
/** The log text if updates fail. */
export const SYMPTOM = 'the statistics cannot be brought up to date';

/** The result of an attempted step: `none` if there was nothing to do, `busy` if another instance works. */
export type Outcome = 'done' | 'none' | 'busy';

/** @param isDue whether deferred ranges, and only those, may be selected */
export type Select = (manager: EntityManager, isDue: boolean) => Promise<DirtyRange[]>;

/** The changes that are committed in one transaction. */
interface Changes {
  statements?: (Statement | Insert)[];
  /** The dirty ranges that it recomputes. */
  ranges?: DirtyRange[];
  /** Days whose cached counts it invalidates. */
  days?: Set<number>;
  state?: Partial<RollupState>;
}

/** Runs steps one after the other, if this instance has the lease; rollup.service.ts describes the protocol. */
export class StepRunner {
  readonly selection = new RangeSelection();
  readonly dailyCounts: DailyCountCache;
  isClosed = false;
  /** By the clock, when the last step ended, and how long it took. */
  last = { end: Number.NEGATIVE_INFINITY, took: 0 };
  private readonly dialect: Dialect;
  private readonly lease: RollupLease;
  private queue: Promise<unknown> = Promise.resolve();
  private deferredStep: Promise<unknown> | undefined;
  /** Attempts in a row that failed because of a lock. */
  private locked = 0;

  /** @param onRecomputed called with the ids of the ranges after each commit */
  constructor(
    readonly dataSource: DataSource,
    private readonly onRecomputed: (ids: string[]) => void,
  ) {
    this.dialect = dialectOf(dataSource);
    this.dailyCounts = new DailyCountCache(dataSource);
    this.lease = new RollupLease(dataSource);
  }

  /** Resolves when the running work is done. */
  get current(): Promise<unknown> {
    return this.queue;
  }

  /** Runs work after all work that was started before, so that work within a process does not conflict. */
  enqueue<T>(work: () => Promise<T>): Promise<T> {
    const done = this.queue.then(() => connectionsOf(this.dataSource).updates.during(work));
    this.queue = done.catch(() => {});
    return done;
  }

  /** Waits until no other instance works, and then does the work. */
  async untilDone(work: () => Promise<Outcome>): Promise<void> {
    const deadline = monotonicClock.now() + PATIENCE;
    while ((await this.enqueue(work)) === 'busy') {
      if (this.isClosed) throw new UnavailableError('the application is shutting down');
      if (monotonicClock.now() > deadline)
        throw new UnavailableError(
          `the statistics could not be updated: another instance, or a lock, was in the way for ${PATIENCE} ms`,
        );
      await wait(POLL);
    }
  }

  /** Ends the lease, so that another instance need not wait for its deadline. It never rejects. */
  release(): Promise<void> {
    return this.enqueue(() => this.lease.release()).catch((error: unknown) => this.warn(error));
  }

  /** Does one step with deferred ranges, if it is due. It never rejects. */
  recomputeDeferred(): Promise<unknown> {
    this.deferredStep ??= this.enqueue(() =>
      this.recompute(async (manager, isDue) => (isDue ? this.selection.nextDeferred(manager) : [])),
    )
      .catch((error: unknown) => this.warn(error))
      .finally(() => {
        this.deferredStep = undefined;
        return this.release();
      });
    return this.deferredStep;
  }

  /**
   * Recomputes dirty ranges.
   * @param mayDefer whether large visits may be deferred
   */
  recompute(select: Select, mayDefer = true): Promise<Outcome> {
    return this.withLease(async (held) => {
      const { now, state } = held;
      const begun = monotonicClock.now();
      const isDue = isLargeDue(state, now);
      const ranges = await onPrimary(this.dataSource, (manager) => select(manager, isDue));
      if (ranges.length === 0) return 'none';
      const isLarge = ranges.every(({ deferred }) => deferred);
      let sharedTime = 0;
      try {
        const result = await this.compute(held, (step) =>
          step.recompute(ranges, state.compactedUntil.getTime(), mayDefer && !isLarge),
        );
        ({ sharedTime } = result);
        const took = monotonicClock.now() - begun;
        const changes = {
          ranges,
          statements: result.statements,
          days: result.days,
          state: {
            maxVisitDuration: Math.max(state.maxVisitDuration, result.maxVisitDuration),
            maxMixedDuration: Math.max(state.maxMixedDuration, result.maxMixedDuration),
            ...(result.hasLarge && {
              largeFrom: toDate(now + took + Math.min(LARGE_REST * took, MAX_LARGE_REST)),
            }),
          },
        };
        if (!(await this.commit(held, changes))) return 'busy';
        if (result.deferred > 0) this.selection.hasDeferred = true;
      } catch (error) {
        if (isLarge) await this.putOffDeferred(held, monotonicClock.now() - begun);
        if (this.isDueToRanges(error)) this.selection.isolate(ranges);
        throw error;
      }
      const ids = ranges.map(({ id }) => id);
      this.selection.forgetFailures(ids);
      this.selection.limits.adapt(ranges, monotonicClock.now() - begun - sharedTime);
      this.onRecomputed(ids);
      return 'done';
    });
  }

  /** Does work that changes the statistics, if this instance has the lease. */
  async withLease(work: (held: LeaseState) => Promise<Outcome>): Promise<Outcome> {
    if (this.isClosed) return 'busy';
    await loadState(this.dataSource);
    const held = await this.lease.take();
    if (!held?.isOurs) return 'busy';
    const begun = monotonicClock.now();
    const outcome = await work(held);
    if (outcome !== 'none') {
      const end = monotonicClock.now();
      this.last = { end, took: end - begun };
    }
    return outcome;
  }

  /** Reads and computes without losing the lease. */
  compute<T>({ state }: LeaseState, work: (step: RollupStep) => Promise<T>): Promise<T> {
    return this.lease.during(() =>
      onPrimary(this.dataSource, (manager) => work(new RollupStep(manager, state.frozenUntil.getTime()))),
    );
  }

  /** Returns true if it was committed; false if the version has changed, or another transaction held a lock. */
  async commit(
    { state: { id, version } }: LeaseState,
    { statements = [], ranges = [], days = new Set(), state = {} }: Changes,
  ): Promise<boolean> {
    const all = [...statements];
    for (const some of chunks([...days], IDS_AT_ONCE)) all.push(this.dailyCounts.invalidate(some));
    for (const some of chunks(ranges, IDS_AT_ONCE)) {
      const deletion = this.dataSource
        .createQueryBuilder()
        .delete()
        .from(DirtyRange)
        .where({ id: In(some.map((range) => range.id)) });
      all.push(deletion.getQueryAndParameters());
    }
    const guard = this.dataSource
      .createQueryBuilder()
      .update(RollupState)
      .set({ ...state, ...this.lease.extension(), version: version + 1 })
      .where({ id, version });
    try {
      const changed = await this.dialect.transact(
        this.dataSource,
        guard.getQueryAndParameters(),
        all,
        undefined,
        (milliseconds) => this.selection.limits.adaptToBlocking(milliseconds),
      );
      this.locked = 0;
      return changed > 0;
    } catch (error) {
      if (!classifyFailure(this.dataSource, error)?.isLocked) throw error;
      // An instance that hangs may hold the lock. Another attempt follows.
      this.locked += 1;
      if (this.locked >= LOGGED_LOCKS) this.warn(error);
      return false;
    }
  }

  /** Returns the ranges that are still dirty. */
  stillDirty(ids: string[]): Promise<Set<string>> {
    return this.enqueue(() =>
      onPrimary(this.dataSource, async (manager) => {
        const left = new Set<string>();
        for (const some of chunks(ids, IDS_AT_ONCE)) {
          const found = await manager.find(DirtyRange, { select: { id: true }, where: { id: In(some) } });
          for (const { id } of found) left.add(id);
        }
        return left;
      }),
    );
  }

  warn(error: unknown, symptom = SYMPTOM): void {
    // A shutdown has closed the connections.
    if (this.isClosed || error instanceof AbandonedError) return;
    const failure = classifyFailure(this.dataSource, error) ?? { code: 'other', reason: String(error) };
    connectionsOf(this.dataSource).incidents.failed(symptom, failure, 'warn');
  }

  /** Delays deferred ranges after a failed step: immediate retries could block all other updates. */
  private async putOffDeferred(held: LeaseState, took: number): Promise<void> {
    this.selection.hasDeferred = true;
    const largeFrom = toDate(held.now + took + MAX_LARGE_REST);
    await this.commit(held, { state: { largeFrom } }).catch((error: unknown) => this.warn(error));
  }

  /** True if a step failed because of its ranges; otherwise a retry may succeed. */
  private isDueToRanges(error: unknown): boolean {
    const failure = classifyFailure(this.dataSource, error);
    return failure === undefined || failure.kind !== 'transient' || failure.isTooSlow === true;
  }
}

function toDate(milliseconds: number): Date {
  return new Date(Math.ceil(milliseconds));
}
