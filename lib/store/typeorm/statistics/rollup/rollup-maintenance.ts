import { type DataSource, type EntityManager, type SelectQueryBuilder } from 'typeorm';
import type { PageResolver } from '../../../../activity/page.js';
import { dialectOf } from '../../../../database/dialects/dialect.js';
import { onPrimary } from '../../../../database/primary.js';
import { Table } from '../../../../database/table.js';
import { QUARTER } from '../../../../statistics/time/time-range.js';
import { DAY } from '../../../../time/units.js';
import type { Mismatches, Progress } from '../../../store.js';
import { UnavailableError } from '../../../unavailable.error.js';
import type { Compaction } from './compaction.js';
import { dirtyDay } from './dirty-ranges.js';
import { findState, findUnfrozenDays, loadState, measureLongest } from './rollup-state.js';
import { RollupVerifier } from './rollup-verifier.js';
import type { StepRunner } from './step-runner.js';
import { StoredPages } from './stored-pages.js';
import { DirtyRange } from './tables/dirty-range.entity.js';
import { RollupState } from './tables/rollup-state.entity.js';

/** Dirty ranges in one query. */
const MAX_DIRTY = 20_000;
/** How often the comparison of a day is repeated because the day has changed in the meantime. */
const MAX_TRIES = 20;

/** Work of commands and erasures, which wait until it is done. */
export class RollupMaintenance {
  private readonly dataSource: DataSource;
  private readonly storedPages: StoredPages;

  constructor(
    private readonly runner: StepRunner,
    private readonly compaction: Compaction,
    pages: PageResolver,
  ) {
    this.dataSource = runner.dataSource;
    this.storedPages = new StoredPages(this.dataSource, pages);
  }

  /** Recomputes everything that is derived from the activities. */
  async rebuild(onProgress?: Progress): Promise<void> {
    const { dataSource, runner } = this;
    await this.drain();
    const days = await findUnfrozenDays(dataSource);
    for (const [i, day] of days.entries()) {
      await this.storedPages.rebuild(day);
      const range = dirtyDay(day);
      const insertion = new Table(dataSource, DirtyRange, { clock: 'createdAt' }).insert([range]);
      // A guard that always succeeds.
      const guard = dataSource.createQueryBuilder().update(RollupState).set({ id: 1 }).where({ id: 1 });
      await dialectOf(dataSource).transact(dataSource, guard.getQueryAndParameters(), [insertion]);
      await this.recompute([range.id]);
      onProgress?.(i + 1, days.length);
    }
    await this.compact();
    await runner.untilDone(() =>
      runner.withLease(async (lease) =>
        (await runner.commit(lease, { state: await measureLongest(dataSource) })) ? 'done' : 'busy',
      ),
    );
    await runner.release();
  }

  /** Compacts all days that are old enough. Otherwise this happens in the background. */
  async compact(): Promise<void> {
    await this.runner.untilDone(() => this.compaction.compactAll());
    await this.runner.release();
  }

  /** Compares everything that is derived from the activities with them. */
  async check(onProgress?: Progress): Promise<Mismatches> {
    const wrong = { visits: 0, sums: 0, pages: 0 };
    const days = await findUnfrozenDays(this.dataSource);
    for (const [i, day] of days.entries()) {
      let found: Omit<Mismatches, 'pages'>;
      let before: number;
      let tries = 0;
      // Repeated if the rollups change during the comparison, so that new activities are not reported as mismatches.
      do {
        await this.drain();
        const { version, compactedUntil, frozenUntil } = await loadState(this.dataSource);
        before = version;
        const bucketSize = day < compactedUntil.getTime() ? DAY : QUARTER;
        found = await onPrimary(this.dataSource, (manager) =>
          new RollupVerifier(manager, this.runner.dailyCounts, frozenUntil.getTime()).on(
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

  /** Recomputes all ranges that were dirty at the call. */
  async drain(): Promise<void> {
    await loadState(this.dataSource);
    await this.recomputeAll((dirty) => dirty);
  }

  /**
   * Recomputes the ranges of all erasures before the call, so that the statistics contain no erased activities.
   * @throws UnavailableError if other instances keep the lease, or the application shuts down
   */
  async recomputeErased(): Promise<void> {
    // Without a state nothing was ever computed.
    if (!(await this.runner.enqueue(() => findState(this.dataSource)))) return;
    // Dirty ranges of a rebuild have no visit ids.
    await this.recomputeAll((dirty) => dirty.where('dirty.erased AND dirty.visits IS NOT NULL'));
  }

  private async recomputeAll(
    narrow: (dirty: SelectQueryBuilder<DirtyRange>) => SelectQueryBuilder<DirtyRange>,
  ): Promise<void> {
    const find = (manager: EntityManager): Promise<{ id: string }[]> =>
      narrow(manager.createQueryBuilder(DirtyRange, 'dirty'))
        .select('dirty.id', 'id')
        .orderBy('dirty.since', 'DESC')
        .limit(MAX_DIRTY)
        .getRawMany();
    let found: { id: string }[];
    do {
      found = await this.runner.enqueue(() => onPrimary(this.dataSource, find));
      await this.recompute(found.map(({ id }) => id));
      // If there are fewer, all ranges of the time of the call are among them.
    } while (found.length === MAX_DIRTY);
  }

  /** Recomputes these ranges; failed ones are tried individually after the others. */
  private async recompute(ids: string[]): Promise<void> {
    try {
      await this.recomputeEach(ids);
    } finally {
      await this.runner.release();
    }
  }

  private async recomputeEach(ids: string[]): Promise<void> {
    const { runner } = this;
    let left = ids;
    let failure: { error: unknown } | undefined;
    let failures = 0;
    while (left.length > 0) {
      const some = left.slice(0, failures > 0 ? 1 : runner.selection.limits.ranges);
      let taken = some;
      try {
        await runner.untilDone(() =>
          runner.recompute(async (manager) => {
            const ranges = await runner.selection.find(manager, some);
            if (ranges.length > 0) taken = ranges.map(({ id }) => id);
            return ranges;
          }, false),
        );
        if (some.length === 1) failures = 0;
      } catch (error) {
        if (error instanceof UnavailableError || runner.isClosed) throw error;
        failures += 1;
        if (some.length > 1) continue;
        failure ??= { error };
        if (failures > 2) throw error;
      }
      const done = new Set(taken);
      left = left.filter((id) => !done.has(id));
    }
    if (failure) throw failure.error;
  }

  private async hasChangedSince(version: number): Promise<boolean> {
    await this.drain();
    return (await loadState(this.dataSource)).version !== version;
  }
}
