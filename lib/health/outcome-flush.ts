import { AsyncResource } from 'node:async_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type BeforeApplicationShutdown, Inject, Injectable } from '@nestjs/common';
import { ActivityWriter } from '../activity/activity.writer.js';
import { OutcomeCounter } from '../diagnostics/outcome-counter.js';
import { type Settings, SETTINGS, STORE } from '../options/settings.js';
import type { Store } from '../store/store.js';
import { monotonicClock } from '../time/clock.js';

// Milliseconds.
const PAUSE = 15_000;
const TIMEOUT = 2000;
/** A shutdown, or a request that has been stored, waits no longer. */
const SHORT_TIMEOUT = 500;
/** The log text. */
const SYMPTOM = 'the counts of stored and refused activities cannot be saved';

/** Stores what {@link OutcomeCounter} has counted, at most every 15 seconds and at a shutdown. It never throws. */
@Injectable()
export class OutcomeFlush implements BeforeApplicationShutdown {
  private readonly background: boolean;
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<void> | undefined;
  private flushedAt = Number.NEGATIVE_INFINITY;
  private isClosing = false;

  constructor(
    private readonly outcomes: OutcomeCounter,
    private readonly writer: ActivityWriter,
    @Inject(STORE) private readonly store: Store,
    @Inject(SETTINGS) { statistics }: Settings,
  ) {
    this.background = statistics.background;
    // Bound outside of the request that counts, so that the timer's queries do not end with it.
    if (this.background) outcomes.onCount = AsyncResource.bind(() => this.schedule());
    // Nothing may run after the response, so the request waits for the flush.
    else outcomes.beforeAnswer = () => this.flushIfDue();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isClosing = true;
    clearTimeout(this.timer);
    await this.writer.settled();
    // Requests that waited for the writer must be counted before the flush.
    await nextTurn();
    await this.flush(SHORT_TIMEOUT);
  }

  /** @param timeout milliseconds */
  async flush(timeout = TIMEOUT): Promise<void> {
    await this.running;
    this.running ??= this.storeCounts(timeout).finally(() => (this.running = undefined));
    await this.running;
  }

  private async flushIfDue(): Promise<void> {
    if (monotonicClock.now() - this.flushedAt >= PAUSE) await this.flush(SHORT_TIMEOUT);
  }

  private schedule(): void {
    if (this.isClosing) return;
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.flush().finally(() => {
        if (!this.outcomes.isEmpty) this.schedule();
      });
    }, PAUSE).unref();
  }

  private async storeCounts(timeout: number): Promise<void> {
    this.flushedAt = monotonicClock.now();
    if (!this.store.isOpen) return;
    const counts = this.outcomes.take();
    if (counts.length === 0) return;
    try {
      await this.store.addOutcomes(counts, timeout);
      this.store.incidents.worked(SYMPTOM);
    } catch (error) {
      this.outcomes.restore(counts);
      // A transient failure is not logged here; the writer logs it if activities cannot be stored either.
      const failure = this.store.classifyError(error);
      if (failure?.kind === 'schema' && !this.isClosing)
        this.store.incidents.failed(SYMPTOM, failure, 'warn');
    }
  }
}
