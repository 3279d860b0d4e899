import { describeThrown } from '../diagnostics/thrown.js';
import type { DeliveryState } from '../store/outbox.js';
import type { Store } from '../store/store.js';
import { DeliveryError } from './delivery.error.js';
import type { Subscription } from './subscription.js';

/** The kind of failure if a handler does not end. */
export const TIMEOUT = 'TIMEOUT';

/** Logs how the delivery of a subscription goes. */
export class DeliveryLog {
  private readonly symptom: string;

  constructor(
    private readonly subscription: Pick<Subscription, 'name' | 'lease' | 'timeout'>,
    private readonly store: Pick<Store, 'incidents'>,
  ) {
    this.symptom = `the subscription ${subscription.name} cannot be delivered`;
  }

  /** The log text if the handler takes too long. */
  get lateness(): string {
    return `the handler takes longer than ${this.subscription.timeout} ms`;
  }

  worked(): void {
    this.store.incidents.worked(this.symptom);
  }

  /** @returns the kind of the failure, which may be stored */
  failed(thrown: unknown): string {
    const { code: name, reason } = describeThrown(thrown);
    const code = thrown instanceof DeliveryError ? thrown.code : name;
    this.warn(code, reason);
    return code;
  }

  /** Called often; the log has it once a minute. */
  late(): void {
    this.warn(TIMEOUT, this.lateness);
  }

  lostLease(): void {
    const { lease } = this.subscription;
    this.warn(
      'LEASE',
      `the handler, or something else, blocked the event loop for longer than the lease of ${lease} ms, so another instance may have delivered the same activities`,
    );
  }

  parked({ failures, error }: DeliveryState): void {
    const reason = `it is parked after ${failures} failures in a row, the last of them: ${error}`;
    const advice = `call ActivitySubscriptions.resume('${this.subscription.name}')`;
    this.store.incidents.failed(this.symptom, { code: 'PARKED', reason, advice });
  }

  private warn(code: string, reason: string): void {
    this.store.incidents.failed(this.symptom, { code, reason }, 'warn');
  }
}
