import { AsyncResource } from 'node:async_hooks';
import { setTimeout as wait } from 'node:timers/promises';
import type { DataSource } from 'typeorm';
import { PageResolver } from '../../../../activity/page.js';
import { connectionsOf } from '../../../../database/connections.js';
import { queryPrimary } from '../../../../database/primary.js';
import type { RollupSettings } from '../../../../options/store.options.js';
import type { TimeRange } from '../../../../statistics/time/time-range.js';
import { monotonicClock } from '../../../../time/clock.js';
import { MAX_TIMER, withTimeLimit } from '../../../../time/time-limit.js';
import type { Mismatches, Progress } from '../../../store.js';
import { LateError } from '../../../unavailable.error.js';
import { findTouching, isLargeDue, type Touching } from './as-of.js';
import { Compaction } from './compaction.js';
import { RollupMaintenance } from './rollup-maintenance.js';
import { loadState } from './rollup-state.js';
import { type Outcome, POLL, StepRunner, SYMPTOM } from './step-runner.js';
import { RollupState } from './tables/rollup-state.entity.js';
import { WaitingQuestions } from './waiting-questions.js';

/** Dirty ranges that a question waits for. If there are more, it waits for `maxWait`. */
const MAX_AWAITED = 5000;
/** Milliseconds between two checks if this process has changed anything. */
const PAUSE = 5000;
/** Milliseconds after a failure. */
const PAUSE_AFTER_FAILURE = 30_000;
/** Pauses after a step, as a multiple of its time: it works half of the time while a question waits, otherwise a quarter. */
const REST = { asked: 1, background: 3 };
const MAX_REST = 2000;
/** Milliseconds that a shutdown waits for the running step; without a commit, the step is repeated later. */
const SHUTDOWN_WAIT = 1000;
/** The log text. */
const UNCACHED = 'counts of past days cannot be cached';

/**
 * Keeps the statistics up to date with the activities: while a question waits (waiting-questions.ts), and every few seconds if
 * this process has changed anything.
 *
 * The protocol: writers append dirty ranges in their own transaction and never wait. A step (step-runner.ts) selects some of the
 * ranges that exist when it begins, the newest first (range-selection.ts). It recomputes the visits and buckets in them from the
 * activities (rollup-step.ts) and never adds to stored counts, so repeats and order do not matter. One transaction writes the
 * results, deletes exactly these ranges, and changes the version of {@link RollupState}; if the version has changed since, nothing
 * is written. Activities that are committed after the step has read have another range, which stays. So an answer is exact for
 * everything that was committed before the oldest range that it sees was created (as-of.ts).
 *
 * Of several instances, only the one with the lease works (rollup-lease.ts): at most half of the time, or a quarter if no question
 * waits.
 *
 * Buckets of names and paths have 15 minutes, because days begin with such a bucket in every time zone of today. After two
 * days, paths have daily buckets (compaction.ts): that takes a fraction of the rows, and ranges rarely begin or end so far back.
 */
export class RollupService {
  private readonly runner: StepRunner;
  private readonly compaction: Compaction;
  private readonly maintenance: RollupMaintenance;
  private readonly questions = new WaitingQuestions();
  private working: Promise<boolean> | undefined;
  /** The lease after the last work. */
  private releasing: Promise<void> | undefined;
  /** Ends the current pause. */
  private resting = new AbortController();
  /** Whether it works if no question waits. */
  private isBehind = false;
  /** `RollupState.largeFrom`, when a question last read it. */
  private largeFrom = new Date(0);
  private timer: NodeJS.Timeout | undefined;
  /** Steps run outside of the async context of the question that starts them: they serve all questions, so its end does not stop them. */
  private readonly outside = new AsyncResource('DjaffarRollup');

  /** @param changes returns how often this process has changed the activities */
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes = (): number => 0,
    private readonly settings: RollupSettings = { maxWait: Number.POSITIVE_INFINITY, background: false },
    pages = new PageResolver(),
  ) {
    this.runner = new StepRunner(dataSource, (ids) => this.questions.notice(ids));
    this.compaction = new Compaction(this.runner);
    this.maintenance = new RollupMaintenance(this.runner, this.compaction, pages);
  }

  /** Milliseconds that a question waits. */
  get maxWait(): number {
    return this.settings.maxWait;
  }

  /** Starts work in the background, if the settings allow it. */
  start(): void {
    if (this.settings.background) this.sleep(PAUSE, -1);
  }

  async stop(): Promise<void> {
    this.runner.isClosed = true;
    clearTimeout(this.timer);
    this.resting.abort();
    await withTimeLimit(SHUTDOWN_WAIT, this.runner.current, () => {}, true);
  }

  /**
   * Resolves when the current dirty ranges of a question are recomputed, or after `maxWait`. It never rejects: the question is
   * then answered from what is stored. It does not wait for deferred ranges; without background work, it starts one step with
   * them if it is due.
   * @param ranges of the question
   */
  async catchUp(ranges: TimeRange[]): Promise<void> {
    const caughtUp = this.await(ranges).catch((error: unknown) => this.runner.warn(error));
    await withTimeLimit(this.settings.maxWait, caughtUp, () => {}, true);
    if (this.settings.background || !this.runner.selection.hasDeferred) return;
    // A quick check by the clock of this process; the step itself uses the database's clock.
    if (isLargeDue({ largeFrom: this.largeFrom }, Date.now())) void this.recomputeDeferred();
  }

  /** Does one step with deferred ranges, if it is due. It never rejects. */
  recomputeDeferred(): Promise<unknown> {
    return this.outside.runInAsyncScope(() => this.runner.recomputeDeferred());
  }

  /**
   * Recomputes all dirty ranges, with pauses, except those that fail.
   * @returns whether nothing is left
   */
  run(): Promise<boolean> {
    this.isBehind = true;
    return this.work();
  }

  /**
   * Caches counts of past days of the range, as many as fit into `maxWait`; daily-count-cache.ts has the metrics. It never
   * rejects: days without a cache are counted for each question.
   * @param deadline of the question, by the monotonic clock
   */
  async cacheDays(metric: string, range: TimeRange, deadline: number): Promise<void> {
    const until = monotonicClock.now() + this.settings.maxWait;
    try {
      const isCaching = await this.runner.dailyCounts.cacheDays(metric, range, { until, deadline });
      if (isCaching) connectionsOf(this.dataSource).incidents.worked(UNCACHED);
    } catch (error) {
      // The question itself then takes long, too.
      if (!(error instanceof LateError)) this.runner.warn(error, UNCACHED);
    }
  }

  rebuild(onProgress?: Progress): Promise<void> {
    return this.maintenance.rebuild(onProgress);
  }

  check(onProgress?: Progress): Promise<Mismatches> {
    return this.maintenance.check(onProgress);
  }

  drain(): Promise<void> {
    return this.maintenance.drain();
  }

  compact(): Promise<void> {
    return this.maintenance.compact();
  }

  recomputeErased(): Promise<void> {
    return this.maintenance.recomputeErased();
  }

  private async await(ranges: TimeRange[]): Promise<void> {
    const find = (): Promise<Touching[] | undefined> =>
      queryPrimary(this.dataSource, async (manager) => {
        const state = await manager.findOneBy(RollupState, { id: 1 });
        if (!state) return undefined;
        this.largeFrom = state.largeFrom;
        return findTouching(manager, ranges, MAX_AWAITED);
      });
    let all = await find();
    if (!all) {
      await this.runner.enqueue(() => loadState(this.dataSource));
      all = (await find()) ?? [];
    }
    const touching = all.filter(({ isDeferred }) => !isDeferred);
    if (touching.length < all.length) this.runner.selection.hasDeferred = true;
    if (touching.length === 0 || this.runner.isClosed) return;
    const waiting = this.questions.add(
      touching.map(({ id }) => id),
      Math.min(this.settings.maxWait, MAX_TIMER),
    );
    this.resting.abort();
    void this.work();
    await waiting;
    if (this.settings.background) return;
    // The process may be frozen after the answer, so it must not be within a statement, or hold the lease.
    await this.working;
    await this.releasing;
  }

  private sleep(pause: number, changes: number): void {
    this.timer = setTimeout(() => void this.wake(changes), pause).unref();
  }

  private async wake(seen: number): Promise<void> {
    const changes = this.changes();
    const { selection } = this.runner;
    const isDone = (changes === seen && !selection.hasDeferred) || (await this.run());
    if (this.runner.isClosed) return;
    this.sleep(isDone ? PAUSE : PAUSE_AFTER_FAILURE, isDone ? changes : -1);
  }

  /** Works while a question waits or anything is left. It never rejects. */
  private work(): Promise<boolean> {
    let hasFailed = false;
    this.working ??= this.outside
      .runInAsyncScope(() => this.steps())
      .catch((error: unknown) => {
        hasFailed = true;
        this.runner.warn(error);
        return false;
      })
      .finally(() => {
        this.working = undefined;
        this.isBehind = false;
        this.releasing = this.runner.release();
        // A question may have begun to wait in the meantime.
        if (!hasFailed && !this.runner.isClosed && this.questions.size > 0) void this.work();
        else this.questions.endAll();
      });
    return this.working;
  }

  /** @returns whether nothing is left */
  private async steps(): Promise<boolean> {
    const { runner, questions } = this;
    let failures = 0;
    while (!runner.isClosed && (questions.size > 0 || this.isBehind)) {
      if (await this.rest()) continue;
      const isAsked = questions.size > 0;
      let outcome: Outcome;
      try {
        outcome = await this.step(isAsked);
        failures = 0;
      } catch (error) {
        // If the next range fails too, the range is not the cause.
        failures += 1;
        if (failures > 2) throw error;
        runner.warn(error);
        continue;
      }
      if (outcome === 'busy') {
        // Another instance works for all.
        if (questions.size === 0) return false;
        await wait(POLL);
        await this.noticeOthers();
      } else if (outcome === 'none' && isAsked) {
        await this.noticeOthers();
        // Ranges that have just failed are not tried for a while.
        questions.notice(runner.selection.recentFailures);
      } else if (outcome === 'none') {
        const compacted = await runner.enqueue(() => this.compaction.compactIfDue());
        if (compacted === 'none' && questions.size === 0) break;
      }
    }
    const failed = runner.selection.failedIds;
    if (failed.length > 0) {
      // Another instance may have recomputed them.
      const left = await runner.stillDirty(failed);
      runner.selection.forgetFailures(failed.filter((id) => !left.has(id)));
      if (left.size > 0) return false;
    }
    connectionsOf(this.dataSource).incidents.worked(SYMPTOM);
    return true;
  }

  /** @param isAsked whether a question waits; if so, only ranges of waiting questions are recomputed */
  private step(isAsked: boolean): Promise<Outcome> {
    const { runner, questions } = this;
    const { selection } = runner;
    return runner.enqueue(() =>
      runner.recompute((manager, isDue) =>
        isAsked ? selection.among(manager, questions.ids) : selection.next(manager, isDue),
      ),
    );
  }

  /** Pauses after a step. Returns true if a question, or the end of the process, has ended the pause early. */
  private async rest(): Promise<boolean> {
    const factor = this.questions.size > 0 ? REST.asked : REST.background;
    const { end, took } = this.runner.last;
    const pause = end + Math.min(factor * took, MAX_REST) - monotonicClock.now();
    if (pause <= 0) return false;
    this.resting = new AbortController();
    const { signal } = this.resting;
    await wait(pause, undefined, { signal }).catch(() => {});
    return signal.aborted;
  }

  /** Ends the wait for ranges that other instances have recomputed. */
  private async noticeOthers(): Promise<void> {
    const { ids } = this.questions;
    const left = await this.runner.stillDirty(ids);
    this.questions.notice(ids.filter((id) => !left.has(id)));
  }
}
