import { type BeforeApplicationShutdown, Logger, type OnApplicationBootstrap } from '@nestjs/common';
import { type DataSource, In } from 'typeorm';
import { Activity } from '../../activity/activity.entity.js';
import { type Dialect, dialectOf } from '../../activity/dialects/dialect.js';
import { Stale } from '../../activity/stale.entity.js';
import { Table } from '../../activity/table.js';
import { uuidv7 } from '../../random.js';
import { monotonicClock } from '../../time/clock.js';
import { DayCounts } from './day-counts.js';
import { Differences } from './differences.js';
import { Fold } from './fold.js';
import { unitsOf } from './stretches.js';
import { forget, Paths } from './paths.js';
import { DAY, floor, QUARTER, type Stretch } from '../stretch.js';
import { RollupState, Total } from './sums.entity.js';
import { Visit } from './visit.entity.js';

/** How many stale stretches are taken at once. */
const MAX_STALE = 20_000;
/** How many ids are deleted by one statement. */
const DELETED_AT_ONCE = 1000;
/** For so long, in milliseconds, the sums of paths stay in quarters of an hour. */
const KEEP_QUARTERS = 2 * DAY;
/** Milliseconds between two looks at whether this process has changed anything. */
const PAUSE = 30_000;
/** A rollup may take up to a twentieth of the time. */
const REST = 19;
const TRIES = 20;

/** How many visits and sums are not what the activities say. */
export interface Wrong {
  visits: number;
  sums: number;
}

/**
 * Brings visits and sums up to date with the activities: what has changed since is made anew, never added up, so it
 * does not matter how often or in which order. It is done before each question is answered, and now and then, so that
 * there is never much to do.
 */
export class Rollup implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly logger = new Logger('Djaffar');
  private readonly dialect: Dialect;
  private readonly fold: Fold;
  private readonly dayCounts: DayCounts;
  private running: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private isClosed = false;

  /** @param changes tells how often this process has changed the activities */
  constructor(
    private readonly dataSource: DataSource,
    private readonly changes = (): number => 0,
  ) {
    this.dialect = dialectOf(dataSource);
    this.fold = new Fold(dataSource);
    this.dayCounts = new DayCounts(dataSource);
  }

  onApplicationBootstrap(): void {
    this.sleep(PAUSE, -1);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isClosed = true;
    clearTimeout(this.timer);
    await this.next?.catch(() => {});
    await this.running?.catch(() => {});
  }

  /** Resolves when all that was committed before the call is in the statistics. */
  run(): Promise<void> {
    // One that is under way may have passed by what was committed since.
    if (!this.running) return this.begin();
    return (this.next ??= this.running.catch(() => {}).then(() => this.running ?? this.begin()));
  }

  /** Keeps counts of the days of the range that are over; day-counts.ts tells which there are. */
  keep(counts: string, range: Stretch): Promise<void> {
    return this.dayCounts.keep(counts, range);
  }

  /**
   * Makes all visits and sums anew.
   * @param onProgress is told of days
   */
  async rebuild(onProgress?: (done: number, total: number) => void): Promise<void> {
    await this.state();
    await this.run();
    const days = await this.days();
    for (const [i, day] of days.entries()) {
      await this.dataSource.getRepository(Stale).insert(staleDay(day));
      await this.run();
      onProgress?.(i + 1, days.length);
    }
  }

  /** Compares all visits and sums with the activities. */
  async check(onProgress?: (done: number, total: number) => void): Promise<Wrong> {
    const differences = new Differences(this.dataSource, this.fold, this.dayCounts);
    const wrong = { visits: 0, sums: 0 };
    const days = await this.days();
    for (const [i, day] of days.entries()) {
      let found: Wrong;
      let before: number;
      // What comes in meanwhile is no difference.
      do {
        await this.run();
        before = (await this.state()).version;
        const span = day < (await this.state()).daysUntil.getTime() ? DAY : QUARTER;
        found = await differences.on({ since: day, until: day + DAY }, span);
      } while (found.visits + found.sums > 0 && (await this.hasChangedSince(before)));
      wrong.visits += found.visits;
      wrong.sums += found.sums;
      onProgress?.(i + 1, days.length);
    }
    return wrong;
  }

  private async hasChangedSince(version: number): Promise<boolean> {
    await this.run();
    return (await this.state()).version !== version;
  }

  private sleep(pause: number, changes: number): void {
    this.timer = setTimeout(() => void this.wake(changes), pause).unref();
  }

  private async wake(seen: number): Promise<void> {
    const changes = this.changes();
    const begun = monotonicClock.now();
    try {
      if (changes !== seen) await this.run();
    } catch (error) {
      this.logger.warn(`the statistics could not be brought up to date: ${String(error)}`);
    }
    if (!this.isClosed) this.sleep(Math.max(PAUSE, REST * (monotonicClock.now() - begun)), changes);
  }

  private begin(): Promise<void> {
    this.next = undefined;
    const running = this.work().finally(() => {
      if (this.running === running) this.running = undefined;
    });
    return (this.running = running);
  }

  private async work(): Promise<void> {
    for (let lost = 0; lost < TRIES;) {
      const state = await this.state();
      const stale = await this.dataSource.getRepository(Stale).find({ take: MAX_STALE });
      const daysUntil = state.daysUntil.getTime();
      // A day that is old enough by now is put together, with what is stale of it.
      const isDue = daysUntil < floor(Date.now(), DAY) - KEEP_QUARTERS;
      const day = isDue ? daysUntil : firstDayOf(stale);
      if (day === undefined) return;
      const ofDay = stale.filter(({ since }) => floor(since.getTime(), DAY) === day);
      if (!(await this.make(state, day, ofDay, isDue ? day + DAY : daysUntil))) lost += 1;
    }
    throw new Error('Djaffar: too many bring the statistics up to date at once');
  }

  /** @returns whether nobody else has meanwhile */
  private async make(state: RollupState, day: number, stale: Stale[], daysUntil: number): Promise<boolean> {
    const stretches: Stretch[] = stale.map(({ since, until }) => ({
      since: since.getTime(),
      until: until.getTime(),
    }));
    const isPast = day < daysUntil;
    const span = isPast ? DAY : QUARTER;
    const units = isPast ? [{ since: day, until: day + DAY }] : unitsOf(stretches, QUARTER);
    const named = stale.flatMap(({ visitId }) => visitId || []);
    const ids = stretches.length > 0 ? await this.fold.visitsIn(merge(stretches), named) : [];
    const paths = new Paths(this.dataSource);
    const { statements: visits, longest, days } = await this.fold.remakeVisits(ids, paths);
    for (const unit of units) await paths.learn(await this.fold.unknownPaths(unit));
    const statements = [...paths.inserts(), ...visits];
    for (const unit of units) statements.push(...this.fold.remakeSums(unit, span));
    if (stale.some(({ visitId }) => visitId !== null))
      statements.push(...forget(this.dataSource, await this.fold.storedPaths(ids, units)));
    if (stale.length > 0) statements.push(this.dayCounts.forget(days.add(day)));
    for (let at = 0; at < stale.length; at += DELETED_AT_ONCE) {
      const deletion = this.dataSource
        .createQueryBuilder()
        .delete()
        .from(Stale)
        .where({ id: In(stale.slice(at, at + DELETED_AT_ONCE).map(({ id }) => id)) });
      statements.push(deletion.getQueryAndParameters());
    }
    const guard = this.dataSource
      .createQueryBuilder()
      .update(RollupState)
      .set({
        version: state.version + 1,
        daysUntil: new Date(daysUntil),
        longest: Math.max(state.longest, longest),
      })
      .where({ id: state.id, version: state.version });
    return (await this.dialect.transact(this.dataSource, guard.getQueryAndParameters(), statements)) > 0;
  }

  /** The first who looks has all that is there be taken in. */
  private async state(): Promise<RollupState> {
    const repository = this.dataSource.getRepository(RollupState);
    const state = await repository.findOneBy({ id: 1 });
    if (state) return state;
    const days = await this.days();
    const first = this.dataSource
      .createQueryBuilder()
      .insert()
      .into(RollupState)
      .values({ id: 1, version: 0, longest: 0, daysUntil: new Date(floor(Date.now(), DAY) - KEEP_QUARTERS) })
      .orIgnore();
    const stale = new Table(this.dataSource, Stale).insert(days.map(staleDay));
    await this.dialect.transact(
      this.dataSource,
      first.getQueryAndParameters(),
      days.length > 0 ? [stale] : [],
    );
    return this.state();
  }

  /** Those of which there is anything. */
  private async days(): Promise<number[]> {
    const days = new Set<number>();
    for (const [entity, column] of [
      [Activity, 'date'],
      [Visit, 'startedAt'],
      [Total, 'startedAt'],
    ] as const) {
      const found = await this.dataSource
        .createQueryBuilder(entity, 'row')
        .select(`DISTINCT row.${column} - row.${column} % ${DAY}`, 'day')
        .getRawMany<{ day: string | number }>();
      for (const { day } of found) days.add(Number(day));
    }
    return [...days].sort((a, b) => a - b);
  }
}

function staleDay(day: number): Stale {
  return { id: uuidv7(), since: new Date(day), until: new Date(day + DAY), visitId: '' };
}

function firstDayOf(stale: Stale[]): number | undefined {
  if (stale.length === 0) return undefined;
  return floor(Math.min(...stale.map(({ since }) => since.getTime())), DAY);
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
