import { randomUUID } from 'node:crypto';
import { type DataSource, IsNull, LessThan, Not } from 'typeorm';
import type { ParsedFilter } from '../../activity/activity.filter.js';
import { connectionsOf } from '../../database/connections.js';
import { dialectOf, type Statement } from '../../database/dialects/dialect.js';
import { queryPrimary } from '../../database/primary.js';
import { Table } from '../../database/table.js';
import { RetentionState } from './tables/retention.entity.js';
import { floor } from '../../statistics/time/time-range.js';
import { DAY } from '../../time/units.js';
import { monotonicClock } from '../../time/clock.js';
import type { RetentionPlan, RetentionResult } from '../erasure.types.js';
import { type Change, countToErase, Erasure } from './erasure.js';
import { DailyCountCache } from './statistics/rollup/daily-count-cache.js';
import type { RollupService } from './statistics/rollup/rollup.service.js';
import { DirtyRange } from './statistics/rollup/tables/dirty-range.entity.js';
import { RollupState } from './statistics/rollup/tables/rollup-state.entity.js';
import { Visit } from './statistics/rollup/tables/visit.entity.js';

/** Milliseconds after which another instance takes over; each step renews it. */
const LEASE = 120_000;
/** The number of visits that one statement changes. */
const VISITS_AT_ONCE = 1000;
/** How often a freeze is retried after a rollup step was committed in the meantime. */
const MAX_TRIES = 50;

/** Another instance works. */
class TakenError extends Error {}

/** One part of a plan. */
interface Part {
  filter: ParsedFilter;
  change: Change;
}

/**
 * Erases and anonymises old activities in steps. Each step is one transaction of at most 1,000 activities, selected by id so that writers
 * do not wait. Only the instance that holds the lease works. A later run continues after the committed steps.
 */
export class Retention {
  private readonly holder = randomUUID();

  constructor(
    private readonly dataSource: DataSource,
    private readonly rollup: RollupService,
    private readonly onChanged: () => void,
  ) {}

  /** @returns `undefined` if another instance works */
  async run(
    plan: RetentionPlan,
    pace: (took: number) => Promise<void>,
  ): Promise<RetentionResult | undefined> {
    const afterStep = async (took: number): Promise<void> => {
      this.onChanged();
      await pace(took);
      if (!(await this.takeLease())) throw new TakenError();
    };
    try {
      if (!(await this.takeLease())) return undefined;
      const result: RetentionResult = { erased: 0, anonymised: 0 };
      const run = ({ filter, change }: Part): Promise<number> =>
        new Erasure(this.dataSource, afterStep, change).run({ filter, keepAnonymous: true });
      if (plan.eraseBefore !== undefined && plan.figures === 'keep') {
        const frozenUntil = await this.freeze(plan.eraseBefore);
        await this.separateVisits(frozenUntil, afterStep);
        result.erased += await run({ filter: { to: frozenUntil }, change: { kind: 'erase-frozen' } });
      }
      for (const part of planParts(plan))
        result[part.change.kind === 'anonymise' ? 'anonymised' : 'erased'] += await run(part);
      await this.endLease();
      return result;
    } catch (error) {
      if (error instanceof TakenError) return undefined;
      await this.update({ leaseUntil: () => '0' }).catch(() => {});
      throw error;
    }
  }

  /** Returns what a run would do now. */
  async preview(plan: RetentionPlan): Promise<RetentionResult> {
    const result: RetentionResult = { erased: 0, anonymised: 0 };
    const { eraseBefore, figures } = plan;
    const parts = planParts(plan);
    if (eraseBefore !== undefined && figures === 'keep')
      parts.unshift({ filter: { to: eraseBefore }, change: { kind: 'erase-frozen' } });
    for (const { filter, change } of parts)
      result[change.kind === 'anonymise' ? 'anonymised' : 'erased'] += await countToErase(
        this.dataSource,
        // Activities that an earlier part erases are not counted again.
        {
          filter: { from: filter.to === eraseBefore ? undefined : eraseBefore, ...filter },
          keepAnonymous: true,
        },
        change,
      );
    return result;
  }

  /** When a run left nothing for the last time. */
  async doneAt(): Promise<{ doneAt: number; now: number }> {
    return queryPrimary(this.dataSource, async (manager) => {
      const state = await manager.findOneBy(RetentionState, { id: 1 });
      const [row]: { now: string | number }[] = await manager.query(
        `SELECT ${dialectOf(this.dataSource).now} AS now`,
      );
      return { doneAt: state?.doneAt.getTime() ?? 0, now: Number(row?.now) };
    });
  }

  /**
   * Updates the statistics a last time, and marks them as frozen before an instant: they are no longer recomputed.
   * @returns the instant, which is earlier if paths have no daily buckets until then
   */
  private async freeze(until: number): Promise<number> {
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      await this.rollup.drain();
      await this.rollup.compact();
      const found = await queryPrimary(this.dataSource, async (manager) => ({
        state: await manager.findOneByOrFail(RollupState, { id: 1 }),
        dirty: await manager.findOneBy(DirtyRange, { since: LessThan(new Date(until)) }),
      }));
      const { id, version, frozenUntil, compactedUntil } = found.state;
      const end = Math.min(until, floor(compactedUntil.getTime(), DAY));
      if (frozenUntil.getTime() >= end) return frozenUntil.getTime();
      if (found.dirty) continue;
      const guard = this.dataSource
        .createQueryBuilder()
        .update(RollupState)
        .set({ frozenUntil: new Date(end), version: version + 1 })
        .where({ id, version })
        .getQueryAndParameters();
      // Cached counts that may contain personal data, or that would be recomputed from activities.
      const counts = new DailyCountCache(this.dataSource).invalidateBefore(end);
      if ((await this.transact(guard, [counts])) > 0) return end;
    }
    throw new Error(
      `the statistics changed ${MAX_TRIES} times while they were being frozen; the next run tries again`,
    );
  }

  /** Frozen visits have no session and no user. */
  private async separateVisits(until: number, afterStep: (took: number) => Promise<void>): Promise<void> {
    const startedAt = LessThan(new Date(until));
    for (;;) {
      const begun = monotonicClock.now();
      const found = await queryPrimary(this.dataSource, (manager) =>
        manager.find(Visit, {
          select: { id: true },
          where: [
            { startedAt, sessionId: Not(IsNull()) },
            { startedAt, userId: Not(IsNull()) },
          ],
          take: VISITS_AT_ONCE,
        }),
      );
      if (found.length === 0) return;
      const update = this.dataSource
        .createQueryBuilder()
        .update(Visit)
        .set({ sessionId: null, userId: null })
        .whereInIds(found.map(({ id }) => id));
      await this.transact(update.getQueryAndParameters(), []);
      await afterStep(monotonicClock.now() - begun);
    }
  }

  /** @returns whether no other instance works */
  private async takeLease(): Promise<boolean> {
    const { now } = dialectOf(this.dataSource);
    const take = (): Promise<number> =>
      this.update(
        { holder: this.holder, leaseUntil: () => `${now} + ${LEASE}` },
        // A lease that ends much later is of a clock that was ahead.
        `(holder = :holder OR leaseUntil <= ${now} OR leaseUntil > ${now} + ${2 * LEASE})`,
      );
    if ((await take()) > 0) return true;
    const row = { id: 1, holder: null, leaseUntil: new Date(0), doneAt: new Date(0) };
    const insertion = new Table(this.dataSource, RetentionState).insert([row]);
    await connectionsOf(this.dataSource).ask((signal) =>
      connectionsOf(this.dataSource).use(
        (connection) => dialectOf(this.dataSource).write(connection, [insertion], LEASE),
        signal,
      ),
    );
    return (await take()) > 0;
  }

  private async endLease(): Promise<void> {
    const { now } = dialectOf(this.dataSource);
    await this.update({ holder: null, leaseUntil: () => '0', doneAt: () => now });
  }

  private async update(
    values: { holder?: string | null; leaseUntil: () => string; doneAt?: () => string },
    condition = 'holder = :holder',
  ): Promise<number> {
    const update = this.dataSource
      .createQueryBuilder()
      .update(RetentionState)
      .set(values)
      .where('id = 1')
      .andWhere(condition, { holder: this.holder });
    return this.transact(update.getQueryAndParameters(), []);
  }

  private transact(guard: Statement, statements: Statement[]): Promise<number> {
    const { dataSource } = this;
    return connectionsOf(dataSource).ask((signal) =>
      dialectOf(dataSource).transact(dataSource, guard, statements, signal),
    );
  }
}

function planParts({ eraseBefore, figures, names, anonymiseBefore, properties }: RetentionPlan): Part[] {
  const parts: Part[] = [];
  const erase: Change = { kind: 'erase' };
  if (eraseBefore !== undefined && figures === 'erase')
    parts.push({ filter: { to: eraseBefore }, change: erase });
  for (const { name, before } of names) parts.push({ filter: { name, to: before }, change: erase });
  if (anonymiseBefore !== undefined)
    parts.push({ filter: { to: anonymiseBefore }, change: { kind: 'anonymise', properties } });
  return parts;
}
