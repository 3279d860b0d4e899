import { onPrimary } from '../../../../database/primary.js';
import { floor, QUARTER, type TimeRange } from '../../../../statistics/time/time-range.js';
import { DAY } from '../../../../time/units.js';
import { monotonicClock } from '../../../../time/clock.js';
import { KEEP_QUARTERS } from './rollup-state.js';
import type { Outcome, StepRunner } from './step-runner.js';
import { PathRollup } from './tables/rollups.entity.js';

/** Milliseconds between two checks for days to compact. */
const PAUSE = 600_000;

/** Replaces the path counts of each 15 minutes by daily counts when a day is two days old. That takes a fraction of the rows. */
export class Compaction {
  private lastLook = Number.NEGATIVE_INFINITY;

  constructor(private readonly runner: StepRunner) {}

  async compactIfDue(): Promise<Outcome> {
    if (monotonicClock.now() - this.lastLook < PAUSE) return 'none';
    const outcome = await this.compactDay();
    if (outcome === 'none') this.lastLook = monotonicClock.now();
    return outcome;
  }

  async compactAll(): Promise<Outcome> {
    for (;;) {
      const outcome = await this.compactDay();
      if (outcome !== 'done') return outcome === 'none' ? 'done' : outcome;
    }
  }

  /** Compacts the next day that is old enough. A day that was compacted too early, by a clock that was ahead, is split again. */
  private compactDay(): Promise<Outcome> {
    return this.runner.withLease(async (turn) => {
      const mark = turn.state.compactedUntil.getTime();
      const due = floor(turn.now, DAY) - KEEP_QUARTERS;
      const isAhead = mark > due + DAY;
      const counts = await this.findCounts(
        isAhead ? { since: due, until: mark } : { since: mark, until: due },
      );
      const found = counts && floor(isAhead ? counts.last : counts.first, DAY);
      if (found === undefined ? !isAhead : found < turn.state.frozenUntil.getTime()) return 'none';
      const day = found ?? due;
      const statements = counts
        ? await this.runner.compute(turn, (step) =>
            step.resize({ since: day, until: day + DAY }, isAhead ? QUARTER : DAY),
          )
        : [];
      const compactedUntil = new Date(isAhead ? day : day + DAY);
      return (await this.runner.commit(turn, { statements, state: { compactedUntil } })) ? 'done' : 'busy';
    });
  }

  /** The first and the last path count in a range, because days without any need not be compacted. */
  private async findCounts(range: TimeRange): Promise<{ first: number; last: number } | undefined> {
    const row = await onPrimary(this.runner.dataSource, (manager) =>
      manager
        .createQueryBuilder(PathRollup, 'sum')
        .select('MIN(sum.startedAt)', 'first')
        .addSelect('MAX(sum.startedAt)', 'last')
        .where('sum.startedAt >= :since AND sum.startedAt < :until', range)
        .getRawOne<Record<'first' | 'last', string | number | null>>(),
    );
    return row?.first == null ? undefined : { first: Number(row.first), last: Number(row.last) };
  }
}
