import { randomBytes } from 'node:crypto';
import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import { type Settings, SETTINGS, STORE } from '../options/settings.js';
import type { Store } from '../store/store.js';
import { monotonicClock } from '../time/clock.js';
import { pauseAfter } from './pause-after.js';
import { computePeriod, type Salt, type SaltRotation } from './salt.js';
import { mayBeCookieless } from './privacy-modes.js';

/** Milliseconds between two looks at whether a period is over, so that its salt does not stay longer than it should. */
const LOOK = 600_000;
/** Milliseconds after which the salts are loaded again, also to know the time by the store's clock. */
const REFRESH = 3_600_000;

/** Visits that are deleted at once. */
const BATCH = 1000;
/** Visits that are deleted while salts are loaded, without background work. */
const SMALL_BATCH = 200;
/** Milliseconds for these. */
const SMALL_BATCH_TIMEOUT = 500;
/** The rest after a batch, as a multiple of its time. */
const REST = 9;

/** The salts of this period and the one before, the same on all instances; older ones are deleted for good. */
@Injectable()
export class Salts implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly rotation: SaltRotation;
  /** With the time of the store's clock when they were loaded. */
  private known: { period: number; salts: Salt[]; date: number; at: number } | undefined;
  private loading: Promise<Salt[]> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private deleting: Promise<void> | undefined;
  private readonly closing = new AbortController();

  constructor(
    @Inject(STORE) private readonly store: Store,
    @Inject(SETTINGS) private readonly settings: Settings,
  ) {
    this.rotation = settings.cookieless.rotate;
  }

  onApplicationBootstrap(): void {
    if (!mayBeCookieless(this.settings) || !this.settings.statistics.background) return;
    this.timer = setInterval(() => void this.look(), LOOK).unref();
  }

  async beforeApplicationShutdown(): Promise<void> {
    clearInterval(this.timer);
    this.closing.abort();
    await this.deleting;
  }

  /**
   * The salt of now, then that of the period before if there is one.
   * @throws UnavailableError if the database does not answer in time
   */
  async current(): Promise<Salt[]> {
    const { known } = this;
    if (!known) return this.load();
    const elapsed = monotonicClock.now() - known.at;
    if (computePeriod(known.date + elapsed, this.rotation) !== known.period) return this.load();
    // If it fails, those that are there will do until the period is over.
    if (elapsed > REFRESH) this.load().catch(() => {});
    return known.salts;
  }

  /** @internal Deletes old salts. After a failure, the next check tries again; requests log the problem of the database. */
  async look(): Promise<void> {
    await this.current().catch(() => {});
    this.deleting ??= this.deleteReservedVisits()
      .catch(() => {})
      .finally(() => (this.deleting = undefined));
    await this.deleting;
  }

  private async deleteReservedVisits(): Promise<void> {
    const { signal } = this.closing;
    while (!signal.aborted) {
      const begun = monotonicClock.now();
      const deleted = await this.store.deleteReservedVisits(BATCH, this.settings.writer.timeout);
      if (deleted < BATCH) return;
      await pauseAfter(monotonicClock.now() - begun, REST, signal);
    }
  }

  private load(): Promise<Salt[]> {
    this.loading ??= this.loadOnce().finally(() => (this.loading = undefined));
    return this.loading;
  }

  private async loadOnce(): Promise<Salt[]> {
    let date = 0;
    let at = 0;
    const next = (now: number): Salt => {
      [date, at] = [now, monotonicClock.now()];
      return { period: computePeriod(now, this.rotation), secret: randomBytes(32).toString('base64url') };
    };
    const stored = await this.store.loadSalts(next, this.settings.writer.timeout);
    const period = computePeriod(date, this.rotation);
    const salts = [period, period - 1].flatMap((each) => stored.find((salt) => salt.period === each) ?? []);
    this.known = { period, salts, date, at };
    if (!this.settings.statistics.background)
      await this.store.deleteReservedVisits(SMALL_BATCH, SMALL_BATCH_TIMEOUT).catch(() => {});
    return salts;
  }
}
