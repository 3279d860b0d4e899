import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  Logger,
  type OnApplicationBootstrap,
} from '@nestjs/common';
import type { RetentionPolicy } from '../options/privacy.options.js';
import { type Settings, SETTINGS, STORE } from '../options/settings.js';
import type { Store } from '../store/store.js';
import type { RetentionResult } from '../store/erasure.types.js';
import { pauseAfter } from './pause-after.js';
import { planRetention } from './retention-plan.js';
import { DAY } from '../time/units.js';
import { withTimeLimit } from '../time/time-limit.js';

/** Milliseconds after the start, and between two looks at whether a day has begun since the last run. */
const FIRST_PAUSE = 60_000;
const PAUSE = 600_000;
/** Pauses after a step, as a multiple of its time: a twentieth of the time is work. */
const REST = 19;
/** Milliseconds that the application waits for a step when it shuts down. */
const SHUTDOWN_WAIT = 1000;
/** The log text. */
const SYMPTOM = 'activities that are too old cannot be erased';

/** Applies the option `retention` once a day, beside everything else. */
@Injectable()
export class RetentionService implements OnApplicationBootstrap, BeforeApplicationShutdown {
  private readonly options: RetentionPolicy | undefined;
  private readonly closing = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private running: Promise<unknown> = Promise.resolve();

  constructor(
    @Inject(STORE) private readonly store: Store,
    @Inject(SETTINGS) { retention, statistics }: Settings,
  ) {
    this.options = statistics.background ? retention : undefined;
  }

  onApplicationBootstrap(): void {
    if (this.options) this.sleep(FIRST_PAUSE);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.closing.abort();
    clearTimeout(this.timer);
    await withTimeLimit(SHUTDOWN_WAIT, this.running, () => {}, true);
  }

  private sleep(pause: number): void {
    this.timer = setTimeout(() => {
      this.running = this.runIfDue().finally(() => {
        if (!this.closing.signal.aborted) this.sleep(PAUSE);
      });
    }, pause).unref();
  }

  /**
   * Applies the option if that has not been done today. It never rejects: what fails is in the log, and is tried again later.
   * @internal
   */
  async runIfDue(): Promise<void> {
    if (!this.options) return;
    const { incidents } = this.store;
    try {
      const { doneAt, now } = await this.store.retainedAt();
      if (Math.trunc(doneAt / DAY) === Math.trunc(now / DAY)) return;
      const result = await this.store.retain(planRetention(this.options, now), (took) =>
        pauseAfter(took, REST, this.closing.signal),
      );
      incidents.worked(SYMPTOM);
      if (result && result.erased + result.anonymised > 0) new Logger('Djaffar').log(describe(result));
    } catch (error) {
      if (this.closing.signal.aborted) return;
      const failure = this.store.classifyError(error) ?? { code: 'other', reason: String(error) };
      incidents.failed(SYMPTOM, failure, 'warn');
    }
  }
}

function describe({ erased, anonymised }: RetentionResult): string {
  return `retention: ${erased} activities erased, ${anonymised} anonymised`;
}
