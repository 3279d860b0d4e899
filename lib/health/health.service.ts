import { Inject, Injectable } from '@nestjs/common';
import { ActivityWriter } from '../activity/activity.writer.js';
import { OutcomeCounter } from '../diagnostics/outcome-counter.js';
import { HOUR } from '../time/units.js';
import { version } from '../generated/version.js';
import { type Settings, SETTINGS, STORE } from '../options/settings.js';
import type { Store } from '../store/store.js';
import { describePolicy, groupByCause, groupByHour, runChecks, wrong } from './health-checks.js';
import type { Health, HealthRetention, HealthSubscription } from './health.types.js';
import { OutcomeFlush } from './outcome-flush.js';

/** The maximum number of stored hours. */
export const MAX_HOURS = 30 * 24;
/** The checks look at the last hours. */
const CHECKED_HOURS = 24;
/** Milliseconds that this instance takes to store its own counts before it answers. */
const FLUSH_TIMEOUT = 500;

/** Reports how many activities arrive, and why others do not. */
@Injectable()
export class HealthService {
  constructor(
    @Inject(STORE) private readonly store: Store,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly outcomes: OutcomeCounter,
    private readonly flush: OutcomeFlush,
    private readonly writer: ActivityWriter,
  ) {}

  /**
   * Other instances may be 15 seconds behind.
   * @param hours how many of the last hours are counted, at most 720
   * @throws UnavailableError
   */
  async report(hours = CHECKED_HOURS): Promise<Health> {
    await this.flush.flush(FLUSH_TIMEOUT);
    try {
      return await this.read(hours);
    } catch (error) {
      if (!this.store.classifyError(error)?.isNotMigrated) throw error;
      return this.reportWithoutTables(hours);
    }
  }

  /** Returns the age of the oldest change that is not in the statistics yet, in milliseconds. */
  async rollupLag(): Promise<number> {
    return (await this.store.findLag()).lag;
  }

  private reportWithoutTables(hours: number): Health {
    const cure = 'run the migrations: see README.md';
    return {
      ...this.own(),
      now: new Date().toISOString(),
      hours: groupByHour([], Date.now() - (Date.now() % HOUR) - (hours - 1) * HOUR, hours),
      causes: [],
      checks: [wrong('tables', 'Tables or columns are missing.', cure)],
      lastCommit: null,
      rollupLag: 0,
      retention: null,
      subscriptions: [],
    };
  }

  /** The part of the report that needs no database. */
  private own(): Pick<Health, 'refusals' | 'waiting' | 'maxWaiting' | 'versions'> {
    return {
      refusals: this.outcomes.lastRefusals,
      waiting: this.writer.waitingActivities,
      maxWaiting: this.settings.writer.maxWaiting,
      versions: { djaffar: version, node: process.version, database: this.store.engine },
    };
  }

  private async read(hours: number): Promise<Health> {
    const { lag, now } = await this.store.findLag();
    const currentHour = now - (now % HOUR);
    const asked = currentHour - (hours - 1) * HOUR;
    const checkedFrom = currentHour - (CHECKED_HOURS - 1) * HOUR;
    const counts = await this.store.findOutcomes(Math.min(asked, checkedFrom));
    const checked = counts.filter(({ hour }) => hour >= checkedFrom);
    const latest = await this.latest();
    const inRange = counts.filter(({ hour }) => hour >= asked);
    return {
      ...this.own(),
      now: new Date(now).toISOString(),
      hours: groupByHour(inRange, asked, hours),
      causes: groupByCause(inRange),
      checks: runChecks(checked, {
        isAnythingStored: latest !== null,
        privacy: this.settings.privacy,
      }),
      lastCommit: latest === null ? null : new Date(latest).toISOString(),
      rollupLag: lag / 1000,
      retention: await this.retention(),
      subscriptions: await this.subscriptions(),
    };
  }

  /** Milliseconds since 1970, by the clocks of instances. */
  private async latest(): Promise<number | null> {
    const [newest] = await this.store.page({}, { limit: 1, order: 'desc' });
    const own = this.outcomes.storedAt;
    if (!newest) return own ?? null;
    return Math.max(newest.receivedAt.getTime(), own ?? 0);
  }

  private async retention(): Promise<HealthRetention | null> {
    const { retention } = this.settings;
    if (!retention) return null;
    const { doneAt } = await this.store.retainedAt();
    return { policy: describePolicy(retention), doneAt: doneAt > 0 ? new Date(doneAt).toISOString() : null };
  }

  private async subscriptions(): Promise<HealthSubscription[]> {
    const found = (await this.store.outbox?.status()) ?? [];
    return found.map(({ nextTryAt, parkedAt, ...status }) => ({
      ...status,
      nextTryAt: nextTryAt?.toISOString() ?? null,
      parkedAt: parkedAt?.toISOString() ?? null,
    }));
  }
}
