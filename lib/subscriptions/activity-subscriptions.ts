import {
  type BeforeApplicationShutdown,
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type OnModuleInit,
  Optional,
} from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';
import { CommittedActivities } from '../activity/committed-activities.js';
import type { ActivityHandler } from '../options/subscription.options.js';
import { type Settings, SETTINGS, STORE } from '../options/settings.js';
import type { SubscriptionStatus } from '../store/outbox.js';
import type { Store } from '../store/store.js';
import { type Subscription, subscriptionsOf } from './subscription.js';
import { SubscriptionRunner } from './subscription-runner.js';

/** Milliseconds from the start to the first search for abandoned subscriptions, which no instance has any more. */
const FIRST_LOOK = 60_000;
/** Milliseconds between two searches. */
const LOOK = 3_600_000;
/** Milliseconds for which an abandoned subscription is kept, with its entries. */
const ABANDONED = 7 * 86_400_000;

/**
 * Reports the delivery state of the subscriptions and webhooks in the options, and resumes parked ones.
 * @example
 * for (const { name, waiting, parkedAt } of await subscriptions.status())
 *   if (parkedAt) await subscriptions.resume(name);
 */
@Injectable()
export class ActivitySubscriptions
  implements OnModuleInit, OnApplicationBootstrap, BeforeApplicationShutdown
{
  private readonly subscriptions: Subscription[];
  private readonly runners: SubscriptionRunner[] = [];
  private timer: NodeJS.Timeout | undefined;
  private isClosing = false;

  constructor(
    @Inject(STORE) private readonly store: Store,
    @Inject(SETTINGS) private readonly settings: Settings,
    private readonly committed: CommittedActivities,
    // Optional, so that ADAPTER_HOST_PROVIDER can report that the host runs on another copy of Nest.
    @Optional() private readonly moduleRef: ModuleRef,
  ) {
    this.subscriptions = subscriptionsOf(settings);
  }

  /** All subscriptions that are stored, also those of other applications on the same tables. */
  async status(): Promise<SubscriptionStatus[]> {
    return (await this.store.outbox?.status()) ?? [];
  }

  /**
   * Resumes a subscription that is parked, or waits for its next try. The instance that delivers it notices within a third of its `lease`.
   * @param options `from: 'now'` deletes the waiting entries and leaves out the rest of what was stored before the subscription, so that only
   * new activities are delivered; the activities stay stored
   * @throws Error if there is no subscription of the name
   */
  async resume(name: string, options: { from?: 'now' | undefined } = {}): Promise<void> {
    const isFromNow = options.from === 'now';
    if (isFromNow) await this.store.outbox?.discard(name);
    if (await this.store.outbox?.resume(name, isFromNow)) return;
    const names = (await this.status()).map((status) => `"${status.name}"`).join(', ') || 'none';
    throw new Error(`Djaffar: there is no subscription "${name}"; there are: ${names}`);
  }

  /** @throws Error if there are subscriptions but the store has no outbox, or if a handler is not provided */
  onModuleInit(): void {
    const { outbox } = this.store;
    if (!outbox) {
      if (this.subscriptions.length === 0) return;
      throw new Error(
        'DjaffarModule: the options "subscriptions" and "webhooks" need activities in a TypeORM data source, in whose transactions they are noted; remove them, or the option "store"',
      );
    }
    if (!this.settings.statistics.background) return;
    for (const subscription of this.subscriptions)
      this.runners.push(
        new SubscriptionRunner(subscription, this.resolveHandler(subscription), outbox, this.store),
      );
  }

  onApplicationBootstrap(): void {
    for (const runner of this.runners) runner.start();
    if (this.runners.length > 0)
      this.committed.listen({
        take: (activities) => {
          for (const runner of this.runners) if (activities.some(runner.matches)) runner.wake();
        },
        finish: async () => {},
      });
    if (this.settings.statistics.background && this.store.outbox) this.lookLater(FIRST_LOOK);
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.isClosing = true;
    clearTimeout(this.timer);
    await Promise.all(this.runners.map((runner) => runner.stop(this.settings.writer.timeout)));
  }

  private resolveHandler({ name, handler }: Subscription): ActivityHandler['handle'] {
    if (!isClass(handler)) return handler;
    try {
      const instance = this.moduleRef.get(handler, { strict: false });
      if (typeof instance.handle !== 'function') throw new TypeError('it has no method "handle"');
      return (activities, delivery) => instance.handle(activities, delivery);
    } catch (cause) {
      throw new Error(
        `DjaffarModule: the handler ${handler.name} of the subscription "${name}" is no provider of any module`,
        { cause },
      );
    }
  }

  private lookLater(pause: number): void {
    if (this.isClosing) return;
    this.timer = setTimeout(() => {
      // A failure has been logged.
      void this.store.outbox
        ?.deleteAbandoned(ABANDONED)
        .catch(() => {})
        .finally(() => this.lookLater(LOOK));
    }, pause).unref();
  }
}

function isClass(
  handler: Subscription['handler'],
): handler is Exclude<typeof handler, ActivityHandler['handle']> {
  const prototype: unknown = handler.prototype;
  const hasMethod = typeof prototype === 'object' && prototype !== null && 'handle' in prototype;
  // The method may be a property of each instance.
  return hasMethod || /^class\b/.test(Function.prototype.toString.call(handler));
}
