import { setTimeout as wait } from 'node:timers/promises';
import { type DataSource, type EntityManager, In, Not } from 'typeorm';
import { Activity } from '../../../../activity/activity.js';
import {
  type Dialect,
  dialectOf,
  type Insert,
  type Statement,
} from '../../../../database/dialects/dialect.js';
import { DirtyRange } from './tables/dirty-range.entity.js';
import { decodeVisits } from './dirty-ranges.js';
import { Pages } from '../../../../activity/page.js';
import { Table } from '../../../../database/table.js';
import type { Mismatches } from '../../../store.js';
import { AbandonedError } from '../../../cancellation.js';
import { connectionsOf } from '../../../../database/connections.js';
import { failureOf } from '../../../../database/driver.js';
import { askOnPrimary, onPrimary } from '../../../../database/primary.js';
import { LateError } from '../../../too-slow.error.js';
import { UnavailableError } from '../../../unavailable.error.js';
import { uuidv7 } from '../../../../activity/random.js';
import { monotonicClock } from '../../../../time/clock.js';
import { chunks } from '../../../../database/chunks.js';
import { DAY, floor, QUARTER, type TimeRange } from '../../../../statistics/time/time-range.js';
import { findTouching, isLargeDue, MAX_LARGE_REST, type Touching } from './as-of.js';
import { DailyCount } from './tables/daily-count.entity.js';
import { DailyCountCache } from './daily-count-cache.js';
import { RollupLease, type Turn } from './rollup-lease.js';
import { RollupStep, type StepResult } from './rollup-step.js';
import { RollupVerifier } from './rollup-verifier.js';
import { StoredPages } from './stored-pages.js';
import { PathRollup, RollupState, NameRollup } from './tables/rollups.entity.js';
import { Visit } from './tables/visit.entity.js';
import type { RollupSettings } from '../../../../options/djaffar.options.js';

/** How many dirty ranges are taken in by one transaction: as many as a step can do in its time. */
const RANGES_AT_FIRST = 100;
const MAX_RANGES = 2000;
/** The same if they lie on days that are counted whole: those of one day cost little more than one of them. */
const MAX_RANGES_OF_DAYS = 20_000;
/** With so few, others that cost nothing more are taken in too. */
const FEW_RANGES = 20;
/** The same of whole days, as of a rebuild. */
const MAX_DAYS = 200;
/** Milliseconds that a step should take. */
const STEP = 500;
/** Milliseconds that its commit may take if the database runs in this process and stops the event loop. */
const BLOCKING = 50;
const MIN_RANGES = 10;
/** How many dirty ranges are looked for at once. */
const MAX_DIRTY = 20_000;
/** How many ids stand in one statement. */
const IDS_AT_ONCE = 1000;
/** How many ranges a question waits for. With more it waits its whole time. */
const MAX_AWAITED = 5000;
/** For so long, in milliseconds, paths are counted by quarters of an hour. */
const KEEP_QUARTERS = 2 * DAY;
/** Milliseconds between two looks at whether this process has changed anything. */
const PAUSE = 5000;
/** Milliseconds after a failure. */
const PAUSE_AFTER_FAILURE = 30_000;
/** Milliseconds after which a range that failed is tried again, if nothing else is left. */
const RETRY = 1000;
/** Milliseconds between two looks at whether there are days to be compacted. */
const COMPACTION_PAUSE = 600_000;
/** Pauses after a step, as a multiple of its time: half of the time while a question waits, else a quarter. */
const REST = { asked: 1, background: 3 };
const LONGEST_REST = 2000;
/** The same after a step with a visit of very many activities, for such visits alone; at most {@link MAX_LARGE_REST}. */
const LARGE_REST = 4;
/** Milliseconds between two looks at what another instance has done. */
const POLL = 50;
/** Milliseconds that an erasure or a command waits for other instances. */
const PATIENCE = 30_000;
/** How often a day is compared again because it has changed meanwhile. */
const MAX_TRIES = 20;
/** After so many tries in a row that met a lock, it is logged. */
const LOGGED_LOCKS = 3;
/** Milliseconds that the first look at all activities may take. */
const FIRST_LOOK = 3_600_000;
/** Milliseconds that the application waits for a step when it shuts down; what is not committed is done again later. */
const SHUTDOWN_WAIT = 1000;
/** What is said in the log. */
const SUBJECT = 'the statistics cannot be brought up to date';
const UNCACHED = 'counts of past days cannot be cached';

/** A question that waits for dirty ranges to be recomputed. */
interface Waiting {
  ids: Set<string>;
  done(): void;
}

/** What came of a try to do a step: `none` if there was nothing to do, `busy` if another instance works. */
type Outcome = 'done' | 'none' | 'busy';

/** @param isDue whether deferred ranges may be selected, without others: visits of very many activities */
type Select = (manager: EntityManager, isDue: boolean) => Promise<DirtyRange[]>;

/**
 * Keeps the statistics up to date with the activities.
 *
 * The protocol. Writers append dirty ranges in their own transaction and never wait. A step takes some of the ranges that
 * are there when it begins, the newest first. It recomputes what they touch from the activities, and never adds up, so
 * repeats and order do not matter. In one transaction it writes that, deletes exactly these ranges, and changes the
 * version of {@link RollupState}: if the version is another one by then, nothing is written. What is committed after the
 * step has read has a range of its own, which stays. So an answer is exact for everything that was committed before the
 * oldest range that it sees was created: as-of.ts reads that moment.
 *
 * Of several instances the one that holds the lease works (rollup-lease.ts). An instance works while its questions wait,
 * and every few seconds if it has changed anything. It takes at most half of the time, or a quarter if no question waits.
 *
 * Names are counted by quarters of an hour, because every time zone of today begins its days with one, and paths too. From
 * two days ago on, paths are counted by UTC days: that takes a fraction of the rows, and ranges rarely begin or end there.
 */
export class RollupService {
  private readonly dialect: Dialect;
  private readonly dailyCounts: DailyCountCache;
  private readonly storedPages: StoredPages;
  private readonly lease: RollupLease;
  private turn: Promise<unknown> = Promise.resolve();
  private readonly waiting = new Set<Waiting>();
  private working: Promise<boolean> | undefined;
  /** Ends a rest. */
  private resting = new AbortController();
  /** Whether it goes on when no question waits. */
  private isBehind = false;
  /** By the clock, when the last step ended, and how long it took. */
  private last = { end: Number.NEGATIVE_INFINITY, took: 0 };
  /** Whether visits of very many activities may have been left for later. */
  private hasDeferred = false;
  private largeStep: Promise<void> | undefined;
  /** As a question has seen it last. */
  private largeFrom = new Date(0);
  private lastCompaction = Number.NEGATIVE_INFINITY;
  /** Milliseconds for which the last commit has stopped the event loop. */
  private blocked = 0;
  private limits = { ranges: RANGES_AT_FIRST, days: 1 };
  /**
   * Ranges whose last step failed, and when, by the clock. Others go before them, so that one that cannot finish does not
   * stop the others.
   */
  private readonly failed = new Map<string, number>();
  /** Tries in a row that met a lock. */
  private locked = 0;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  /** @param changes returns how often this process has changed the activities */
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes = (): number => 0,
    private readonly settings: RollupSettings = { maxWait: Number.POSITIVE_INFINITY, background: false },
    pages = new Pages(),
  ) {
    this.dialect = dialectOf(dataSource);
    this.dailyCounts = new DailyCountCache(dataSource);
    this.storedPages = new StoredPages(dataSource, pages);
    this.lease = new RollupLease(dataSource);
  }

  /** Begins to work in the background, if the settings say so. */
  start(): void {
    if (this.settings.background) this.sleep(PAUSE, -1);
  }

  async stop(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    this.resting.abort();
    await orAfter(SHUTDOWN_WAIT, this.turn);
  }

  /**
   * Resolves when the dirty ranges of a question that are there now are recomputed, or after `maxWait`. It never rejects:
   * the question is answered from what is there. Deferred ranges are not awaited. Without a background run, one step with
   * them is begun then, if it is due.
   * @param ranges what the question is about
   */
  async catchUp(ranges: TimeRange[]): Promise<void> {
    await orAfter(
      this.settings.maxWait,
      this.await(ranges).catch((error: unknown) => this.warn(error)),
    );
    if (this.settings.background || !this.hasDeferred) return;
    // By this clock only to save work: a step asks the database's.
    if (isLargeDue({ largeFrom: this.largeFrom }, Date.now())) void this.recomputeDeferred();
  }

  /** Does one step with deferred ranges, if it is due. It never rejects. */
  recomputeDeferred(): Promise<void> {
    this.largeStep ??= this.inTurn(async () => {
      try {
        await this.step(async (manager, isDue) => (isDue ? this.nextDeferred(manager) : []));
      } finally {
        await this.lease.release();
      }
    })
      .catch((error: unknown) => this.warn(error))
      .finally(() => (this.largeStep = undefined));
    return this.largeStep;
  }

  /**
   * Takes in everything, with rests. What cannot be taken in is left out.
   * @returns whether nothing is left
   */
  run(): Promise<boolean> {
    this.isBehind = true;
    return this.work();
  }

  /**
   * Caches counts of the days of the range that are over, as far as it comes in `maxWait`; daily-count-cache.ts has the
   * metrics. It never rejects: what is not cached is counted for each question.
   * @param deadline by the monotonic clock, when the question has to be answered
   */
  async cacheDays(metric: string, range: TimeRange, deadline: number): Promise<void> {
    const until = monotonicClock.now() + this.settings.maxWait;
    try {
      const isCaching = await this.dailyCounts.cacheDays(metric, range, { until, deadline });
      if (isCaching) connectionsOf(this.dataSource).incidents.worked(UNCACHED);
    } catch (error) {
      // The question itself then takes long, too.
      if (!(error instanceof LateError)) this.warn(error, UNCACHED);
    }
  }

  /**
   * Recomputes everything that is derived from the activities.
   * @param onProgress called with numbers of days
   */
  async rebuild(onProgress?: (done: number, total: number) => void): Promise<void> {
    await this.drain();
    const days = await this.unfrozenDays();
    for (const [i, day] of days.entries()) {
      await this.storedPages.rebuild(day);
      const range = dirtyDay(day);
      const insertion = new Table(this.dataSource, DirtyRange, { clock: 'createdAt' }).insert([range]);
      await this.dialect.transact(this.dataSource, noChange(this.dataSource), [insertion]);
      await this.takeIn([{ ...range, createdAt: new Date() }]);
      onProgress?.(i + 1, days.length);
    }
    await this.patiently(() => this.inTurn(() => this.compact()));
    await this.patiently(() => this.inTurn(() => this.measureLongest()));
  }

  /** Compares everything that is derived from the activities with them. */
  async check(onProgress?: (done: number, total: number) => void): Promise<Mismatches> {
    const wrong = { visits: 0, sums: 0, pages: 0 };
    const days = await this.unfrozenDays();
    for (const [i, day] of days.entries()) {
      let found: Omit<Mismatches, 'pages'>;
      let before: number;
      let tries = 0;
      // What comes in meanwhile is no difference.
      do {
        await this.drain();
        const { version, compactedUntil, frozenUntil } = await this.state();
        before = version;
        const bucketSize = day < compactedUntil.getTime() ? DAY : QUARTER;
        found = await onPrimary(this.dataSource, (manager) =>
          new RollupVerifier(manager, this.dailyCounts, frozenUntil.getTime()).on(
            { since: day, until: day + DAY },
            bucketSize,
          ),
        );
        tries += 1;
      } while (found.visits + found.sums > 0 && tries < MAX_TRIES && (await this.hasChangedSince(before)));
      wrong.visits += found.visits;
      wrong.sums += found.sums;
      wrong.pages += await this.storedPages.countMismatches(day);
      onProgress?.(i + 1, days.length);
    }
    return wrong;
  }

  /** Takes in all that was committed before the call, however long it takes. */
  async drain(): Promise<void> {
    await this.state();
    let ranges: DirtyRange[];
    do {
      ranges = await onPrimary(this.dataSource, (manager) =>
        manager.find(DirtyRange, { order: { since: 'DESC' }, take: MAX_DIRTY }),
      );
      await this.takeIn(ranges);
      // If there are fewer, all that was there at the call was among them.
    } while (ranges.length === MAX_DIRTY);
  }

  /**
   * Takes in what was erased before the call, however long it takes: nothing of it is left in the statistics.
   * @throws UnavailableError if other instances do not let this one, or the application shuts down
   */
  async takeInErasures(): Promise<void> {
    // If nothing was ever computed, nothing is left.
    if (!(await this.inTurn(() => this.storedState()))) return;
    let ranges: DirtyRange[];
    do {
      ranges = await this.inTurn(() =>
        onPrimary(this.dataSource, (manager) =>
          manager
            .createQueryBuilder(DirtyRange, 'dirty')
            // Those of a rebuild name no visits.
            .where('dirty.erased AND dirty.visits IS NOT NULL')
            .orderBy('dirty.since', 'DESC')
            .limit(MAX_DIRTY)
            .getMany(),
        ),
      );
      await this.takeIn(ranges);
    } while (ranges.length === MAX_DIRTY);
  }

  private async hasChangedSince(version: number): Promise<boolean> {
    await this.drain();
    return (await this.state()).version !== version;
  }

  private async await(ranges: TimeRange[]): Promise<void> {
    const find = (): Promise<Touching[] | undefined> =>
      askOnPrimary(this.dataSource, async (manager) => {
        const state = await manager.findOneBy(RollupState, { id: 1 });
        if (!state) return undefined;
        this.largeFrom = state.largeFrom;
        return findTouching(manager, ranges, MAX_AWAITED);
      });
    let all = await find();
    if (!all) {
      await this.inTurn(() => this.state());
      all = (await find()) ?? [];
    }
    const touching = all.filter(({ isDeferred }) => !isDeferred);
    if (touching.length < all.length) this.hasDeferred = true;
    if (touching.length === 0 || this.isClosed) return;
    await new Promise<void>((resolve) => {
      const giveUp = (): void => {
        this.waiting.delete(waiting);
        resolve();
      };
      const timer = setTimeout(giveUp, Math.min(this.settings.maxWait, 2 ** 31 - 1)).unref();
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const waiting = { ids: new Set(touching.map(({ id }) => id)), done };
      this.waiting.add(waiting);
      this.resting.abort();
      void this.work();
    });
  }

  private sleep(pause: number, changes: number): void {
    this.timer = setTimeout(() => void this.wake(changes), pause).unref();
  }

  private async wake(seen: number): Promise<void> {
    const changes = this.changes();
    const isDone = (changes === seen && !this.hasDeferred) || (await this.run());
    if (this.isClosed) return;
    this.sleep(isDone ? PAUSE : PAUSE_AFTER_FAILURE, isDone ? changes : -1);
  }

  private warn(error: unknown, subject = SUBJECT): void {
    // The connections are closed under it.
    if (this.isClosed || error instanceof AbandonedError) return;
    const failure = failureOf(this.dataSource, error) ?? { code: 'other', reason: String(error) };
    connectionsOf(this.dataSource).incidents.failed(subject, failure, 'warn');
  }

  /** Works while a question waits or anything is left. It never rejects. */
  private work(): Promise<boolean> {
    let hasFailed = false;
    this.working ??= this.steps()
      .catch((error: unknown) => {
        hasFailed = true;
        this.warn(error);
        return false;
      })
      .finally(() => {
        this.working = undefined;
        this.isBehind = false;
        void this.inTurn(() => this.releaseLease());
        // One that began to wait just now.
        if (!hasFailed && !this.isClosed && this.waiting.size > 0) {
          void this.work();
          return;
        }
        // They are answered from what is there.
        for (const each of this.waiting) each.done();
        this.waiting.clear();
      });
    return this.working;
  }

  /** @returns whether nothing is left */
  private async steps(): Promise<boolean> {
    let failures = 0;
    for (;;) {
      if (this.isClosed || (this.waiting.size === 0 && !this.isBehind)) break;
      if (await this.rest()) continue;
      const isAsked = this.waiting.size > 0;
      let outcome: Outcome;
      try {
        outcome = await this.inTurn(() =>
          this.step((manager, isDue) => (isAsked ? this.nextAwaited(manager) : this.next(manager, isDue))),
        );
        failures = 0;
      } catch (error) {
        // If the next one fails too, it is not the range.
        failures += 1;
        if (failures > 2) throw error;
        this.warn(error);
        continue;
      }
      if (outcome === 'busy') {
        // Another instance works for all.
        if (this.waiting.size === 0) return false;
        await wait(POLL);
        await this.noticeOthers();
      } else if (outcome === 'none') {
        if (isAsked) {
          await this.noticeOthers();
          // What has just failed is not there for a while.
          this.notice(this.recentFailures());
        } else if ((await this.inTurn(() => this.compactIfDue())) === 'none' && this.waiting.size === 0)
          break;
      }
    }
    if (this.failed.size > 0) {
      // Another instance may have recomputed them.
      const left = new Set(await this.inTurn(() => this.stillDirty([...this.failed.keys()])));
      for (const id of this.failed.keys()) if (!left.has(id)) this.failed.delete(id);
      if (this.failed.size > 0) return false;
    }
    connectionsOf(this.dataSource).incidents.worked(SUBJECT);
    return true;
  }

  /** @returns whether it was cut short */
  private async rest(): Promise<boolean> {
    const factor = this.waiting.size > 0 ? REST.asked : REST.background;
    const pause = this.last.end + Math.min(factor * this.last.took, LONGEST_REST) - monotonicClock.now();
    if (pause <= 0) return false;
    this.resting = new AbortController();
    const { signal } = this.resting;
    await wait(pause, undefined, { signal }).catch(() => {});
    return signal.aborted;
  }

  /** What other instances have recomputed needs not be waited for. */
  private async noticeOthers(): Promise<void> {
    const ids = new Set([...this.waiting].flatMap((waiting) => [...waiting.ids]));
    const left = new Set(await this.inTurn(() => this.stillDirty([...ids])));
    this.notice([...ids].filter((id) => !left.has(id)));
  }

  private notice(ids: string[]): void {
    for (const waiting of this.waiting) {
      for (const id of ids) waiting.ids.delete(id);
      if (waiting.ids.size > 0) continue;
      this.waiting.delete(waiting);
      waiting.done();
    }
  }

  /** The newest ranges that questions wait for: those that were there when they were asked. */
  private async nextAwaited(manager: EntityManager): Promise<DirtyRange[]> {
    const recent = new Set(this.recentFailures());
    const ids = [...new Set([...this.waiting].flatMap((waiting) => [...waiting.ids]))];
    const some = ids.filter((id) => !recent.has(id)).slice(0, this.limits.ranges);
    if (some.length === 0) return [];
    const found = await manager.findBy(DirtyRange, { id: In(some) });
    return this.cut(manager, found.sort(newestFirst));
  }

  /** The newest ranges, then those that failed before, and deferred ranges if nothing else is left. */
  private async next(manager: EntityManager, isDue: boolean): Promise<DirtyRange[]> {
    if (isDue && this.hasDeferred) {
      // Otherwise those that never cease to come would always go before them.
      const late = await this.nextDeferred(manager);
      if (late.length > 0) return late;
    }
    const found = await this.newest(manager, false, this.limits.ranges);
    return found.length > 0 || !isDue ? this.cut(manager, found) : this.nextDeferred(manager);
  }

  /** All of the visits of the newest deferred ranges. */
  private async nextDeferred(manager: EntityManager): Promise<DirtyRange[]> {
    const late = await this.newest(manager, true, MAX_RANGES);
    const visits = new Set(late.slice(0, this.limits.ranges).flatMap(visitsOf));
    this.hasDeferred = late.length > 0;
    return late.filter((range) => visitsOf(range).every((id) => visits.has(id)));
  }

  /** The newest ranges, or those that failed some time ago if there are no others. */
  private async newest(manager: EntityManager, deferred: boolean, take: number): Promise<DirtyRange[]> {
    const find = (without: string[]): Promise<DirtyRange[]> =>
      manager.find(DirtyRange, {
        where: { deferred, ...(without.length > 0 && { id: Not(In(without)) }) },
        order: { since: 'DESC', until: 'DESC' },
        take,
      });
    const found = await find([...this.failed.keys()]);
    return found.length > 0 || this.failed.size === 0 ? found : find(this.recentFailures());
  }

  private recentFailures(): string[] {
    const now = monotonicClock.now();
    return [...this.failed].flatMap(([id, failedAt]) => (now - failedAt < RETRY ? id : []));
  }

  /** Whole days cost more, and take in all that is dirty on them. */
  private async cut(manager: EntityManager, ranges: DirtyRange[]): Promise<DirtyRange[]> {
    const first = ranges.find(isDay);
    if (!first) return this.withEqual(manager, ranges);
    if (ranges[0] && !isDay(ranges[0])) return ranges.slice(0, ranges.findIndex(isDay));
    const days = ranges.filter(isDay).slice(0, this.limits.days);
    const oldest = days.at(-1) ?? first;
    const found = await manager
      .createQueryBuilder(DirtyRange, 'dirty')
      .where('dirty.since >= :since AND dirty.since < :until', {
        since: +oldest.since,
        until: +first.until,
      })
      .orderBy('dirty.since', 'DESC')
      .take(MAX_RANGES_OF_DAYS)
      .getMany();
    const chosen = new Set(ranges.map(({ id }) => id));
    return found.filter(({ id }) => chosen.has(id) || !this.failed.has(id));
  }

  /**
   * Adds the ranges that a step recomputes anyway: of the same minutes and visits. It matters if few are taken at once,
   * because a visit has very many activities.
   */
  private async withEqual(manager: EntityManager, ranges: DirtyRange[]): Promise<DirtyRange[]> {
    if (ranges.length === 0 || ranges.length > FEW_RANGES) return ranges;
    const starts = [...new Set(ranges.map(({ since }) => since.getTime()))];
    const visits = new Set(ranges.flatMap((range) => decodeVisits(range.visits) ?? []));
    const others = await manager.find(DirtyRange, {
      where: { since: In(starts.map((start) => new Date(start))) },
      take: MAX_RANGES,
    });
    const taken = new Set(ranges.map(({ id }) => id));
    const isEqual = ({ id, visits: named, erased }: DirtyRange): boolean =>
      !taken.has(id) && !erased && (decodeVisits(named)?.every((visit) => visits.has(visit)) ?? false);
    return [...ranges, ...others.filter(isEqual)];
  }

  /** Takes in ranges that are stored, however long it takes. */
  private async takeIn(ranges: DirtyRange[]): Promise<void> {
    try {
      await this.takeInEach(ranges);
    } finally {
      await this.inTurn(() => this.releaseLease());
    }
  }

  /** Another instance need not wait for the deadline. It never rejects: if this fails, another instance waits for it. */
  private async releaseLease(): Promise<void> {
    await this.lease.release().catch((error: unknown) => this.warn(error));
  }

  private async takeInEach(ranges: DirtyRange[]): Promise<void> {
    let left = ranges;
    let failure: { error: unknown } | undefined;
    let failures = 0;
    while (left.length > 0) {
      let taken: DirtyRange[] = [];
      let isSingle = false;
      try {
        await this.patiently(() =>
          this.inTurn(() =>
            this.step(async (manager) => {
              const some = left.slice(0, failures > 0 ? 1 : this.limits.ranges);
              isSingle = some.length === 1;
              taken = some;
              const dirty = await manager.findBy(DirtyRange, { id: In(some.map(({ id }) => id)) });
              return (taken = await this.cut(manager, dirty.sort(newestFirst))).length > 0
                ? taken
                : ((taken = some), []);
            }, false),
          ),
        );
        if (isSingle) failures = 0;
      } catch (error) {
        if (error instanceof UnavailableError || this.isClosed) throw error;
        failures += 1;
        if (!isSingle) continue;
        failure ??= { error };
        if (failures > 2) throw error;
      }
      const done = new Set(taken.map(({ id }) => id));
      left = left.filter(({ id }) => !done.has(id));
    }
    if (failure) throw failure.error;
  }

  /** Does the work when no other instance works. */
  private async patiently(work: () => Promise<Outcome>): Promise<void> {
    const deadline = monotonicClock.now() + PATIENCE;
    while ((await work()) === 'busy') {
      if (this.isClosed) throw new UnavailableError('the application is shutting down');
      if (monotonicClock.now() > deadline)
        throw new UnavailableError(
          `the statistics could not be updated: another instance, or a lock, was in the way for ${PATIENCE} ms`,
        );
      await wait(POLL);
    }
  }

  /** One after the other: within a process, nobody is in another's way. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(() => connectionsOf(this.dataSource).updates.during(work));
    this.turn = done.catch(() => {});
    return done;
  }

  /** @param mayDefer whether visits of very many activities may be left for later */
  private async step(select: Select, mayDefer = true): Promise<Outcome> {
    if (this.isClosed) return 'busy';
    await this.state();
    const turn = await this.lease.take();
    if (!turn?.isOurs) return 'busy';
    const begun = monotonicClock.now();
    const isDue = isLargeDue(turn.state, turn.now);
    const ranges = await onPrimary(this.dataSource, (manager) => select(manager, isDue));
    if (ranges.length === 0) return 'none';
    const isLarge = ranges.every(({ deferred }) => deferred);
    try {
      const result = await this.lease.during(() =>
        onPrimary(this.dataSource, (manager) =>
          new RollupStep(manager, turn.state.frozenUntil.getTime()).recompute(
            ranges,
            turn.state.compactedUntil.getTime(),
            mayDefer && !isLarge,
          ),
        ),
      );
      const took = monotonicClock.now() - begun;
      const largeFrom = result.hasLarge
        ? turn.now + took + Math.min(LARGE_REST * took, MAX_LARGE_REST)
        : undefined;
      if (!(await this.commit(turn, result, { ranges, largeFrom }))) return 'busy';
      if (result.deferred > 0) this.hasDeferred = true;
    } catch (error) {
      if (isLarge) await this.putOffDeferred(turn, monotonicClock.now() - begun);
      if (this.isDueToRanges(error)) this.isolate(ranges);
      throw error;
    }
    for (const { id } of ranges) this.failed.delete(id);
    const end = monotonicClock.now();
    this.last = { end, took: end - begun };
    this.adapt(ranges, end - begun);
    this.notice(ranges.map(({ id }) => id));
    return 'done';
  }

  /** After a step with deferred ranges has failed: tried again at once, they would keep the update busy for good. */
  private async putOffDeferred({ state, now }: Turn, took: number): Promise<void> {
    this.hasDeferred = true;
    const largeFrom = new Date(Math.ceil(now + took + MAX_LARGE_REST));
    await this.change(state, { largeFrom }, []).catch((error: unknown) => this.warn(error));
  }

  /** Whether a step failed for what is in its ranges or how many they are. Else the same may work the next time. */
  private isDueToRanges(error: unknown): boolean {
    const failure = failureOf(this.dataSource, error);
    return failure === undefined || failure.kind !== 'transient' || failure.isTooSlow === true;
  }

  /** Finds the range that fails: each is tried alone. */
  private isolate(ranges: DirtyRange[]): void {
    if (ranges.length === 1 || (ranges.some(isDay) ? this.limits.days : this.limits.ranges) === 1)
      for (const { id } of ranges) this.failed.set(id, monotonicClock.now());
    this.limits = { ranges: 1, days: 1 };
  }

  /** Takes fewer ranges if a step took long, and more if it was quick. */
  private adapt(ranges: DirtyRange[], took: number): void {
    const kind = ranges.some(isDay) ? 'days' : 'ranges';
    const max = kind === 'days' ? MAX_DAYS : MAX_RANGES;
    const { [kind]: limit } = this.limits;
    if (took > STEP) this.limits[kind] = Math.max(1, limit >> 1);
    else if (took < STEP / 2 && this.blocked < BLOCKING / 2 && ranges.length >= limit)
      this.limits[kind] = Math.min(max, 2 * limit);
  }

  /** @returns whether it was committed: the version was still the same, and nobody held a lock */
  private async commit(
    { state }: Turn,
    { statements, maxVisitDuration, maxMixedDuration, days }: Omit<StepResult, 'hasLarge' | 'deferred'>,
    {
      ranges = [],
      compactedUntil = state.compactedUntil.getTime(),
      largeFrom = state.largeFrom.getTime(),
    }: { ranges?: DirtyRange[]; compactedUntil?: number; largeFrom?: number | undefined },
  ): Promise<boolean> {
    const all: (Statement | Insert)[] = [...statements];
    for (const some of chunks([...days], IDS_AT_ONCE)) all.push(this.dailyCounts.invalidate(some));
    for (const some of chunks(ranges, IDS_AT_ONCE)) {
      const deletion = this.dataSource
        .createQueryBuilder()
        .delete()
        .from(DirtyRange)
        .where({ id: In(some.map(({ id }) => id)) });
      all.push(deletion.getQueryAndParameters());
    }
    return this.change(
      state,
      {
        compactedUntil: new Date(compactedUntil),
        largeFrom: new Date(Math.ceil(largeFrom)),
        maxVisitDuration: Math.max(state.maxVisitDuration, maxVisitDuration),
        maxMixedDuration: Math.max(state.maxMixedDuration, maxMixedDuration),
      },
      all,
    );
  }

  private async change(
    { id, version }: RollupState,
    values: Partial<RollupState>,
    statements: (Statement | Insert)[],
  ): Promise<boolean> {
    const guard = this.dataSource
      .createQueryBuilder()
      .update(RollupState)
      .set({ ...values, ...this.lease.extension(), version: version + 1 })
      .where({ id, version });
    try {
      const changed = await this.dialect.transact(
        this.dataSource,
        guard.getQueryAndParameters(),
        statements,
        undefined,
        (milliseconds) => this.noteBlocking(milliseconds),
      );
      this.locked = 0;
      return changed > 0;
    } catch (error) {
      if (!failureOf(this.dataSource, error)?.isLocked) throw error;
      // Perhaps an instance that is frozen: it is not our turn.
      this.locked += 1;
      if (this.locked >= LOGGED_LOCKS) this.warn(error);
      return false;
    }
  }

  /** @param milliseconds for which a commit has stopped the event loop */
  private noteBlocking(milliseconds: number): void {
    this.blocked = milliseconds;
    const ranges = Math.trunc((this.limits.ranges * BLOCKING) / milliseconds);
    if (milliseconds > BLOCKING)
      this.limits.ranges = Math.min(this.limits.ranges, Math.max(MIN_RANGES, ranges));
  }

  private async compactIfDue(): Promise<Outcome> {
    if (monotonicClock.now() - this.lastCompaction < COMPACTION_PAUSE) return 'none';
    const outcome = await this.compactDay();
    if (outcome === 'none') this.lastCompaction = monotonicClock.now();
    return outcome;
  }

  private async compact(): Promise<Outcome> {
    for (;;) {
      const outcome = await this.compactDay();
      if (outcome !== 'done') return outcome === 'none' ? 'done' : outcome;
    }
  }

  /**
   * Counts the paths of the next day that is old enough by the day, or of the latest that is not by quarters of an hour
   * again: a clock was ahead.
   */
  private async compactDay(): Promise<Outcome> {
    await this.state();
    const turn = await this.lease.take();
    if (!turn?.isOurs) return 'busy';
    const begun = monotonicClock.now();
    const mark = turn.state.compactedUntil.getTime();
    const due = floor(turn.now, DAY) - KEEP_QUARTERS;
    const isAhead = mark > due + DAY;
    const start = await this.edgeOfCounts(
      isAhead ? { since: due, until: mark } : { since: mark, until: due },
    );
    const found = start === undefined ? undefined : floor(isAhead ? start.last : start.first, DAY);
    if (found === undefined ? !isAhead : found < turn.state.frozenUntil.getTime()) return 'none';
    const day = found ?? due;
    const statements =
      found === undefined
        ? []
        : await this.lease.during(() =>
            onPrimary(this.dataSource, (manager) =>
              new RollupStep(manager).resize({ since: day, until: day + DAY }, isAhead ? QUARTER : DAY),
            ),
          );
    const result = { statements, maxVisitDuration: 0, maxMixedDuration: 0, days: new Set<number>() };
    const isMade = await this.commit(turn, result, { compactedUntil: isAhead ? day : day + DAY });
    const end = monotonicClock.now();
    this.last = { end, took: end - begun };
    return isMade ? 'done' : 'busy';
  }

  /** The first and the last count of a path in a range: days without any need not be compacted. */
  private async edgeOfCounts(range: TimeRange): Promise<{ first: number; last: number } | undefined> {
    const row = await onPrimary(this.dataSource, (manager) =>
      manager
        .createQueryBuilder(PathRollup, 'sum')
        .select('MIN(sum.startedAt)', 'first')
        .addSelect('MAX(sum.startedAt)', 'last')
        .where('sum.startedAt >= :since AND sum.startedAt < :until', range)
        .getRawOne<Record<'first' | 'last', string | number | null>>(),
    );
    return row?.first == null ? undefined : { first: Number(row.first), last: Number(row.last) };
  }

  /** Otherwise the longest visit that ever was would be looked for in each question. */
  private async measureLongest(): Promise<Outcome> {
    const turn = await this.lease.take();
    if (!turn?.isOurs) return 'busy';
    const [maxVisitDuration = 0, maxMixedDuration = 0] = await onPrimary(this.dataSource, async (manager) => {
      const lengths: number[] = [];
      for (const condition of ['NOT visit.mixed', 'visit.mixed']) {
        const row = await manager
          .createQueryBuilder(Visit, 'visit')
          .select('MAX(visit.endedAt - visit.startedAt)', 'length')
          .where(condition)
          .getRawOne<{ length: string | number | null }>();
        lengths.push(Number(row?.length ?? 0));
      }
      return lengths;
    });
    const isMade = await this.change(turn.state, { maxVisitDuration, maxMixedDuration }, []);
    await this.releaseLease();
    return isMade ? 'done' : 'busy';
  }

  private async stillDirty(ids: string[]): Promise<string[]> {
    return onPrimary(this.dataSource, async (manager) => {
      const left: string[] = [];
      for (const some of chunks(ids, IDS_AT_ONCE)) {
        const found = await manager.find(DirtyRange, { select: { id: true }, where: { id: In(some) } });
        left.push(...found.map(({ id }) => id));
      }
      return left;
    });
  }

  private storedState(): Promise<RollupState | null> {
    return onPrimary(this.dataSource, (manager) => manager.findOneBy(RollupState, { id: 1 }));
  }

  /** Loads the state. The first call creates it and marks every day with data dirty. */
  private async state(): Promise<RollupState> {
    const state = await this.storedState();
    if (state) return state;
    const days = await this.days();
    const first = this.dataSource
      .createQueryBuilder()
      .insert()
      .into(RollupState)
      .values({
        id: 1,
        version: 0,
        maxVisitDuration: 0,
        maxMixedDuration: 0,
        compactedUntil: new Date(floor(Date.now(), DAY) - KEEP_QUARTERS),
        frozenUntil: new Date(0),
        leaseUntil: new Date(0),
        largeFrom: new Date(0),
      })
      .orIgnore();
    const dirty = new Table(this.dataSource, DirtyRange).insert(
      // Nobody knows since when they are dirty.
      days.map((day) => ({ ...dirtyDay(day), createdAt: new Date(0) })),
    );
    await this.dialect.transact(
      this.dataSource,
      first.getQueryAndParameters(),
      days.length > 0 ? [dirty] : [],
    );
    const made = await this.storedState();
    if (!made) throw new Error('the state of the statistics was not stored');
    return made;
  }

  private async unfrozenDays(): Promise<number[]> {
    const { frozenUntil } = await this.state();
    return (await this.days()).filter((day) => day >= frozenUntil.getTime());
  }

  private days(): Promise<number[]> {
    return onPrimary(this.dataSource, findDays, undefined, FIRST_LOOK);
  }
}

/** The days of which there is anything. */
async function findDays(manager: EntityManager): Promise<number[]> {
  const days = new Set<number>();
  for (const [entity, column] of [
    [Activity, 'date'],
    [Visit, 'startedAt'],
    [NameRollup, 'startedAt'],
    [PathRollup, 'startedAt'],
    [DailyCount, 'startedAt'],
  ] as const) {
    const found = await manager
      .createQueryBuilder(entity, 'row')
      .select(`DISTINCT row.${column} - row.${column} % ${DAY}`, 'day')
      .getRawMany<{ day: string | number }>();
    for (const { day } of found) days.add(Number(day));
  }
  return [...days].sort((a, b) => a - b);
}

function visitsOf({ visits }: DirtyRange): string[] {
  return decodeVisits(visits) ?? [];
}

function newestFirst(a: DirtyRange, b: DirtyRange): number {
  return +b.since - +a.since || +b.until - +a.until;
}

function isDay({ visits, since, until }: DirtyRange): boolean {
  return visits === null && +until - +since >= DAY;
}

/** All of a day, as at the first look at the activities or at a rebuild. */
function dirtyDay(day: number): Omit<DirtyRange, 'createdAt'> {
  return {
    id: uuidv7(),
    since: new Date(day),
    until: new Date(day + DAY),
    visits: null,
    erased: true,
    unbounded: false,
    deferred: false,
  };
}

/** A guard that always holds, for a transaction that only inserts. */
function noChange(dataSource: DataSource): Statement {
  return dataSource
    .createQueryBuilder()
    .update(RollupState)
    .set({ id: 1 })
    .where({ id: 1 })
    .getQueryAndParameters();
}

/** Resolves with the work, or after so many milliseconds. */
async function orAfter(milliseconds: number, work: Promise<unknown>): Promise<void> {
  const done = new AbortController();
  // A timer cannot wait for longer.
  const limit = wait(Math.min(milliseconds, 2 ** 31 - 1), undefined, { signal: done.signal, ref: false });
  try {
    await Promise.race([work, limit]);
  } finally {
    done.abort();
    await limit.catch(() => {});
  }
}
