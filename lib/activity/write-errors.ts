import { describeThrown } from '../diagnostics/thrown.js';
import type { WriterSettings } from '../options/store.options.js';
import type { Store, StoreFailure } from '../store/store.js';
import { REFUSED, UnavailableError } from '../store/unavailable.error.js';
import { UnstorableError } from './unstorable.error.js';

/** The symptom of failed writes in the log. */
export const WRITE_SYMPTOM = 'activities cannot be stored';

/** Creates the errors for callers whose activities are not stored, and logs why. */
export class WriteErrors {
  /** How many writes were refused late without a log line. */
  private unreported = 0;

  constructor(
    private readonly store: Store,
    private readonly settings: WriterSettings,
  ) {}

  /** Logs that the database can never store an activity. */
  unstorable(reason: string, code = 'UNSTORABLE', cause?: unknown): UnstorableError {
    const symptom = 'an activity was refused that the database can never store';
    this.store.incidents.failed(symptom, { code, reason }, 'warn');
    return new UnstorableError(reason, { cause });
  }

  /** Logs that activities are refused, unless the log has the database's own problem already. */
  overload(reason: string, setting: keyof WriterSettings): UnavailableError {
    const advice = `writer.${setting}: the database is slow, or the pool has no free connection`;
    this.store.incidents.followed(WRITE_SYMPTOM, { code: 'OVERLOAD', reason, advice }, 'warn');
    return new UnavailableError(reason);
  }

  /** The error of a write whose time is over; {@link reportLate} logs it. */
  late(): UnavailableError {
    this.unreported += 1;
    return new UnavailableError(this.lateReason);
  }

  reportLate(): void {
    for (; this.unreported > 0; this.unreported -= 1) this.overload(this.lateReason, 'timeout');
  }

  /** Logs a failure that another try would not solve. */
  refused(failure: StoreFailure, cause: unknown): Error {
    if (failure.kind === 'data') return this.unstorable(failure.reason, failure.code, cause);
    this.store.incidents.failed(WRITE_SYMPTOM, failure);
    const advice = failure.advice ? ` (${failure.advice})` : '';
    return new UnavailableError(`the database rejected the write: ${failure.reason}${advice}`, {
      cause,
      answer: REFUSED,
    });
  }

  classify(error: unknown): StoreFailure {
    const failure = this.store.classifyError(error);
    if (failure) return failure;
    // The host's `transform` may return what cannot even be bound, such as properties that are no JSON.
    const isUnbindable = error instanceof TypeError || error instanceof RangeError;
    return { kind: isUnbindable ? 'data' : 'transient', ...describeThrown(error) };
  }

  private get lateReason(): string {
    return `the database did not store it within ${this.settings.timeout} ms`;
  }
}
