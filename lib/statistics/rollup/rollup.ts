import { setTimeout as wait } from 'node:timers/promises';
import type { BeforeApplicationShutdown, OnApplicationBootstrap } from '@nestjs/common';
import { And, Between, type DataSource, type EntityManager, In, Not } from 'typeorm';
import { Activity } from '../../activity/activity.entity.js';
import { type Dialect, dialectOf } from '../../activity/dialects/dialect.js';
import { Pages } from '../../activity/page.js';
import { DirtyRange } from '../../activity/dirty-range.entity.js';
import { Table } from '../../activity/table.js';
import { connectionsOf } from '../../database/connections.js';
import { failureOf } from '../../database/driver.js';
import { UnavailableError } from '../../database/unavailable.error.js';
import { askOnPrimary, onPrimary } from '../../database/primary.js';
import { uuidv7 } from '../../random.js';
import { monotonicClock } from '../../time/clock.js';
import { chunks } from '../chunks.js';
import { findTouching } from './as-of.js';
import { DayCount } from './day-count.entity.js';
import { DayCounts } from './day-counts.js';
import { Differences } from './differences.js';
import { Fold } from './fold.js';
import { StoredPages } from './stored-pages.js';
import { unitsOf } from './stretches.js';
import { forget, Paths } from './paths.js';
import { DAY, floor, QUARTER, type Stretch } from '../stretch.js';
import { PathTotal, RollupState, Total } from './sums.entity.js';
import { Visit } from './visit.entity.js';

/** How many dirty ranges are read at once. */
const MAX_STALE = 20_000;
/** How many ids are deleted by one statement. */
const DELETED_AT_ONCE = 1000;
/** For so long, in milliseconds, the sums of paths stay in quarters of an hour. */
const KEEP_QUARTERS = 2 * DAY;
/** Milliseconds between two looks at whether this process has changed anything. */
const PAUSE = 30_000;
/** An update in the background may take up to a twentieth of the time, or a fourth if there is more to do. */
const REST = { done: 19, behind: 3 };
/** An update takes at least so long, in milliseconds, if there is as much to do. */
const LEAST_PASS = 1000;
/** How often in a row another instance may be first, before an update is left to it. */
const MAX_LOST = 50;
/** How often a day is compared again because it has changed meanwhile. */
const MAX_TRIES = 20;
/** After so many tries in a row that met a lock, it is logged. */
const LOGGED_LOCKS = 3;
/** Milliseconds that the first look at all activities may take. */
const FIRST_LOOK = 3_600_000;
/** What is said in the log. */
const SUBJECT = 'the statistics cannot be brought up to date';
/** Milliseconds between two tries are random, up to this. */
const LONGEST_RETRY = 100;
/** Milliseconds that the application waits for an update when it shuts down; what is not committed is done again later. */
const SHUTDOWN_WAIT = 1000;

export interface RollupSettings {
  /** Milliseconds that a question waits for the statistics to be brought up to date. */
  maxWait: number;
  /** Whether they are also brought up to date now and then while nobody asks, and event streams go on without end. */
  background: boolean;
}

/** What is recomputed in one transaction. */
interface Step {
  stale?: DirtyRange[];
  /** Of the sums. */
  units: Stretch[];
  /** Of the sums of paths, {@link QUARTER} or {@link DAY}. */
  span: number;
  /** What {@link RollupState.daysUntil} is afterwards. */
  daysUntil: number;
}

/** How many visits and sums are not what the activities say, and how many activities have another page than the option says. */
export interface Wrong {
  visits: number;
  sums: number;
  pages: number;
}

/**
 * Brings visits and sums up to date with the activities. What has changed is recomputed from the activities, never added
 * up, so it does not matter how often that is done or in which order.
 *
 * Writers append dirty ranges in their own transaction. An update takes the ranges that are there when it begins, the
 * newest day first, one transaction for each day: it recomputes what they touch and deletes exactly these ranges. A
 * version in {@link RollupState} makes sure that only one instance commits at a time; the others look again at what is
 * left. It runs before each question, and now and then, so that there is never much to do.
 */
export class Rollup implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly dialect: Dialect;
  private readonly dayCounts: DayCounts;
  private readonly storedPages: StoredPages;
  private turn: Promise<unknown> = Promise.resolve();
  private next: Promise<boolean> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;
  /** Days whose last try failed. Others go before them, so that one that cannot finish does not stop the others. */
  private readonly failed = new Set<number>();
  /** Tries in a row that met a lock. */
  private locked = 0;

  /** @param changes returns how often this process has changed the activities */
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes = (): number => 0,
    private readonly settings: RollupSettings = { maxWait: Number.POSITIVE_INFINITY, background: false },
    pages = new Pages(),
  ) {
    this.dialect = dialectOf(dataSource);
    this.dayCounts = new DayCounts(dataSource);
    this.storedPages = new StoredPages(dataSource, pages);
  }

  onApplicationBootstrap(): void {
    if (this.settings.background) this.sleep(PAUSE, -1);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    await orAfter(SHUTDOWN_WAIT, this.turn);
  }

  /**
   * Resolves when what was committed before the call is in the statistics, or after `maxWait`. It never rejects: a
   * question is answered from what is there.
   * @param ranges what the question is about
   */
  async catchUp(ranges: Stretch[]): Promise<void> {
    await orAfter(
      this.settings.maxWait,
      this.update(ranges).catch((error: unknown) => this.warn(error)),
    );
  }

  private async update(ranges: Stretch[]): Promise<void> {
    const touching = await askOnPrimary(this.dataSource, async (manager) =>
      (await manager.findOneBy(RollupState, { id: 1 })) ? findTouching(manager, ranges, 1) : undefined,
    );
    if (touching?.length !== 0) await this.run();
  }

  /**
   * Takes in what was committed before the call, as far as it comes in the time of one update.
   * @returns whether it has taken in all of it
   */
  run(): Promise<boolean> {
    // An update that has begun may have passed by what was committed since.
    return (this.next ??= this.inTurn(() => {
      this.next = undefined;
      return this.pass();
    }));
  }

  /**
   * Keeps counts of the days of the range that are over, as far as it comes in `maxWait`; day-counts.ts tells which there
   * are. It never rejects: what is not kept is counted for each question.
   */
  async keep(counts: string, range: Stretch): Promise<void> {
    const deadline = monotonicClock.now() + this.settings.maxWait;
    await this.dayCounts.keep(counts, range, deadline).catch((error: unknown) => this.warn(error));
  }

  /**
   * Recomputes all visits and sums.
   * @param onProgress is told of days
   */
  async rebuild(onProgress?: (done: number, total: number) => void): Promise<void> {
    await this.state();
    await this.drain();
    const days = await this.days();
    for (const [i, day] of days.entries()) {
      await this.storedPages.rebuild(day);
      const stale = staleDay(day);
      await this.dataSource.getRepository(DirtyRange).insert(stale);
      await this.takeIn([stale]);
      onProgress?.(i + 1, days.length);
    }
    await this.inTurn(async () => {
      await this.moveMark(Number.POSITIVE_INFINITY);
      await this.measureLongest();
    });
  }

  /** Compares all visits and sums with the activities. */
  async check(onProgress?: (done: number, total: number) => void): Promise<Wrong> {
    const wrong = { visits: 0, sums: 0, pages: 0 };
    const days = await this.days();
    for (const [i, day] of days.entries()) {
      let found: Omit<Wrong, 'pages'>;
      let before: number;
      let tries = 0;
      // What comes in meanwhile is no difference.
      do {
        await this.drain();
        const { version, daysUntil } = await this.state();
        before = version;
        const span = day < daysUntil.getTime() ? DAY : QUARTER;
        found = await onPrimary(this.dataSource, (manager) =>
          new Differences(manager, this.dayCounts).on({ since: day, until: day + DAY }, span),
        );
        tries += 1;
      } while (found.visits + found.sums > 0 && tries < MAX_TRIES && (await this.hasChangedSince(before)));
      wrong.visits += found.visits;
      wrong.sums += found.sums;
      wrong.pages += await this.storedPages.wrongOn(day);
      onProgress?.(i + 1, days.length);
    }
    return wrong;
  }

  private async hasChangedSince(version: number): Promise<boolean> {
    await this.drain();
    return (await this.state()).version !== version;
  }

  private sleep(pause: number, changes: number): void {
    this.timer = setTimeout(() => void this.wake(changes), pause).unref();
  }

  private async wake(seen: number): Promise<void> {
    const changes = this.changes();
    const begun = monotonicClock.now();
    let isDone = true;
    let hasFailed = false;
    try {
      if (changes !== seen) isDone = await this.run();
    } catch (error) {
      hasFailed = true;
      this.warn(error);
    }
    if (this.isClosed) return;
    const took = monotonicClock.now() - begun;
    if (hasFailed) this.sleep(Math.max(PAUSE, REST.behind * took), -1);
    else if (isDone) this.sleep(Math.max(PAUSE, REST.done * took), changes);
    else this.sleep(REST.behind * took, -1);
  }

  private warn(error: unknown): void {
    const failure = failureOf(this.dataSource, error) ?? { code: 'other', reason: String(error) };
    connectionsOf(this.dataSource).incidents.failed(SUBJECT, failure, 'warn');
  }

  /** One after the other: within a process, nobody is in another's way. */
  private inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.turn.then(() => connectionsOf(this.dataSource).updates.during(work));
    this.turn = done.catch(() => {});
    return done;
  }

  /** @returns whether nothing is left of what was there when it began */
  private async pass(): Promise<boolean> {
    const deadline = monotonicClock.now() + Math.max(LEAST_PASS, this.settings.maxWait);
    await this.state();
    const stale = await this.dirtyRanges();
    const left = await this.recompute(stale, deadline);
    const isMoved = await this.moveMark(deadline);
    const isDone = left.length === 0 && stale.length < MAX_STALE && this.failed.size === 0 && isMoved;
    if (isDone) connectionsOf(this.dataSource).incidents.worked(SUBJECT);
    return isDone;
  }

  /** Takes in all that was committed before the call, however long it takes. */
  async drain(): Promise<void> {
    await this.state();
    let stale: DirtyRange[];
    this.failed.clear();
    do {
      stale = await this.dirtyRanges();
      await this.takeIn(stale);
      // If there are fewer, all that was there at the call was among them.
    } while (stale.length === MAX_STALE);
  }

  /**
   * Takes in what was erased before the call, however long it takes: nothing of it is left in the statistics.
   * @throws UnavailableError if other instances do not let this one, or the application shuts down
   */
  async takeInErasures(): Promise<void> {
    // If nothing was ever computed, nothing is left.
    if (!(await this.storedState())) return;
    let stale: DirtyRange[];
    do {
      stale = await onPrimary(this.dataSource, (manager) =>
        manager
          .createQueryBuilder(DirtyRange, 'stale')
          // Those of a rebuild name no visits.
          .where('stale.erased AND stale.visits IS NOT NULL')
          .orderBy('stale.since', 'DESC')
          .limit(MAX_STALE)
          .getMany(),
      );
      await this.takeIn(stale);
    } while (stale.length === MAX_STALE);
  }

  /** The same for these ranges, which are stored. */
  private async takeIn(stale: DirtyRange[]): Promise<void> {
    const left = await this.inTurn(async () => {
      // Where nothing was ever computed, nothing is left.
      if (stale.length === 0 || !(await this.storedState())) return [];
      return this.recompute(await this.stillDirty(stale), Number.POSITIVE_INFINITY);
    });
    if (left.length === 0) return;
    if (this.isClosed) throw new UnavailableError('the application is shutting down');
    throw new UnavailableError(
      `the statistics could not be updated: other instances were first, or held a lock, ${MAX_LOST} times`,
    );
  }

  private dirtyRanges(): Promise<DirtyRange[]> {
    return onPrimary(this.dataSource, async (manager) => {
      const all = { order: { since: 'DESC' }, take: MAX_STALE } as const;
      if (this.failed.size > 0) {
        const others = [...this.failed].map((day) => Not(Between(new Date(day), new Date(day + DAY - 1))));
        const stale = await manager.find(DirtyRange, { ...all, where: { since: And(...others) } });
        if (stale.length > 0) return stale;
        this.failed.clear();
      }
      return manager.find(DirtyRange, all);
    });
  }

  /**
   * Day by day, the newest first. If a day fails, it goes on with the next; if that fails too, it is not the day.
   * @returns what was left at the deadline
   * @throws what a day failed with, after the others
   */
  private async recompute(stale: DirtyRange[], deadline: number): Promise<DirtyRange[]> {
    let left = stale;
    let failure: { error: unknown } | undefined;
    let hasFailed = false;
    for (let lost = 0; left.length > 0 && lost < MAX_LOST && monotonicClock.now() < deadline;) {
      if (this.isClosed) break;
      const state = await this.state();
      const newest = left.reduce((latest, { since }) => Math.max(latest, since.getTime()), 0);
      const day = floor(newest, DAY);
      const isOfDay = ({ since }: DirtyRange): boolean => floor(since.getTime(), DAY) === day;
      let isMade: boolean;
      try {
        isMade = await this.make(state, day, left.filter(isOfDay));
      } catch (error) {
        this.failed.add(day);
        if (hasFailed) throw error;
        hasFailed = true;
        failure ??= { error };
        left = left.filter((range) => !isOfDay(range));
        continue;
      }
      if (isMade) {
        this.failed.delete(day);
        hasFailed = false;
        left = left.filter((range) => !isOfDay(range));
        lost = 0;
      } else {
        lost += 1;
        await wait(Math.random() * LONGEST_RETRY);
        left = await this.stillDirty(left);
      }
    }
    if (failure) throw failure.error;
    return left;
  }

  /** Another instance may have taken in the others. */
  private async stillDirty(stale: DirtyRange[]): Promise<DirtyRange[]> {
    return onPrimary(this.dataSource, async (manager) => {
      const ids = new Set<string>();
      for (const some of chunks(stale, DELETED_AT_ONCE)) {
        const where = { id: In(some.map((range) => range.id)) };
        for (const { id } of await manager.find(DirtyRange, { select: { id: true }, where })) ids.add(id);
      }
      return stale.filter(({ id }) => ids.has(id));
    });
  }

  /**
   * Puts together the sums of paths of days that are old enough by now, and takes apart those that are not: a clock was
   * ahead.
   * @returns whether none is left at the deadline
   */
  private async moveMark(deadline: number): Promise<boolean> {
    for (let lost = 0; lost < MAX_LOST && monotonicClock.now() < deadline && !this.isClosed;) {
      const state = await this.state();
      const mark = state.daysUntil.getTime();
      const due = floor(Date.now(), DAY) - KEEP_QUARTERS;
      let isMade: boolean;
      if (mark > due + DAY) {
        isMade = await this.commit(state, {
          units: [{ since: due, until: mark }],
          span: QUARTER,
          daysUntil: due,
        });
      } else {
        const next = await this.firstSum(mark);
        if (next === undefined || next >= due) return true;
        const day = floor(next, DAY);
        isMade = await this.commit(state, {
          units: [{ since: day, until: day + DAY }],
          span: DAY,
          daysUntil: day + DAY,
        });
      }
      lost = isMade ? 0 : lost + 1;
    }
    return false;
  }

  /** Otherwise the longest visit that ever was would be looked for in each question. */
  private async measureLongest(): Promise<void> {
    for (let lost = 0; lost < MAX_LOST; lost++) {
      const { id, version } = await this.state();
      const [longest, longestMixed] = await onPrimary(this.dataSource, async (manager) => {
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
      const change = this.dataSource
        .createQueryBuilder()
        .update(RollupState)
        .set({ version: version + 1, longest, longestMixed })
        .where({ id, version });
      if ((await this.dialect.transact(this.dataSource, change.getQueryAndParameters(), [])) > 0) return;
    }
  }

  /** The first sum of a path from then on: days without any need not be put together. */
  private async firstSum(since: number): Promise<number | undefined> {
    const first = await onPrimary(this.dataSource, (manager) =>
      manager
        .createQueryBuilder(PathTotal, 'sum')
        .select('MIN(sum.startedAt)', 'instant')
        .where('sum.startedAt >= :since', { since })
        .getRawOne<{ instant: string | number | null }>(),
    );
    return first?.instant == null ? undefined : Number(first.instant);
  }

  /** @returns whether it was committed, and no other instance was first */
  private make(state: RollupState, day: number, stale: DirtyRange[]): Promise<boolean> {
    const daysUntil = state.daysUntil.getTime();
    const isPast = day < daysUntil;
    const units = isPast ? [{ since: day, until: day + DAY }] : unitsOf(stretchesOf(stale), QUARTER);
    return this.commit(state, { stale, units, span: isPast ? DAY : QUARTER, daysUntil });
  }

  private async commit(state: RollupState, { stale = [], units, span, daysUntil }: Step): Promise<boolean> {
    const { statements, longest, longestMixed, days } = await onPrimary(this.dataSource, async (manager) => {
      const fold = new Fold(manager);
      const named = stale.flatMap(({ visits }) => (visits ? visits.split(',') : []));
      const ids = stale.length > 0 ? await fold.visitsIn(merge(stretchesOf(stale)), named) : [];
      const paths = new Paths(manager);
      const { statements: visitStatements, ...rest } = await fold.remakeVisits(ids, paths);
      for (const unit of units) await paths.learn(await fold.unknownPaths(unit));
      const all = [...paths.inserts(), ...visitStatements];
      for (const unit of units) all.push(...fold.remakeSums(unit, span));
      if (stale.some(({ erased }) => erased))
        all.push(...forget(this.dataSource, await fold.storedPaths(ids, units)));
      return { statements: all, ...rest };
    });
    for (const { since } of stale) days.add(floor(since.getTime(), DAY));
    if (days.size > 0) statements.push(this.dayCounts.forget(days));
    for (const some of chunks(stale, DELETED_AT_ONCE)) {
      const deletion = this.dataSource
        .createQueryBuilder()
        .delete()
        .from(DirtyRange)
        .where({ id: In(some.map(({ id }) => id)) });
      statements.push(deletion.getQueryAndParameters());
    }
    const guard = this.dataSource
      .createQueryBuilder()
      .update(RollupState)
      .set({
        version: state.version + 1,
        daysUntil: new Date(daysUntil),
        longest: Math.max(state.longest, longest),
        longestMixed: Math.max(state.longestMixed, longestMixed),
      })
      .where({ id: state.id, version: state.version });
    try {
      const changed = await this.dialect.transact(this.dataSource, guard.getQueryAndParameters(), statements);
      this.locked = 0;
      return changed > 0;
    } catch (error) {
      if (!failureOf(this.dataSource, error)?.isLocked) throw error;
      // Somebody holds a lock, perhaps an instance that is frozen: it is not our turn.
      this.locked += 1;
      if (this.locked >= LOGGED_LOCKS) this.warn(error);
      return false;
    }
  }

  private storedState(): Promise<RollupState | null> {
    return onPrimary(this.dataSource, (manager) => manager.findOneBy(RollupState, { id: 1 }));
  }

  /** The first who looks has all that is there be taken in. */
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
        longest: 0,
        longestMixed: 0,
        daysUntil: new Date(floor(Date.now(), DAY) - KEEP_QUARTERS),
      })
      .orIgnore();
    const stale = new Table(this.dataSource, DirtyRange).insert(days.map(staleDay));
    await this.dialect.transact(
      this.dataSource,
      first.getQueryAndParameters(),
      days.length > 0 ? [stale] : [],
    );
    const made = await this.storedState();
    if (!made) throw new Error('the state of the statistics was not stored');
    return made;
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
    [Total, 'startedAt'],
    [PathTotal, 'startedAt'],
    [DayCount, 'startedAt'],
  ] as const) {
    const found = await manager
      .createQueryBuilder(entity, 'row')
      .select(`DISTINCT row.${column} - row.${column} % ${DAY}`, 'day')
      .getRawMany<{ day: string | number }>();
    for (const { day } of found) days.add(Number(day));
  }
  return [...days].sort((a, b) => a - b);
}

function staleDay(day: number): DirtyRange {
  return {
    id: uuidv7(),
    // Nobody knows since when it is dirty.
    createdAt: new Date(0),
    since: new Date(day),
    until: new Date(day + DAY),
    visits: null,
    erased: true,
    unbounded: false,
  };
}

function stretchesOf(stale: DirtyRange[]): Stretch[] {
  return stale.map(({ since, until }) => ({ since: since.getTime(), until: until.getTime() }));
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

/** As few as hold the same. */
function merge(stretches: Stretch[]): Stretch[] {
  const merged: Stretch[] = [];
  for (const { since, until } of stretches.toSorted((a, b) => a.since - b.since)) {
    const last = merged.at(-1);
    if (last && since <= last.until) last.until = Math.max(last.until, until);
    else merged.push({ since, until });
  }
  return merged;
}
