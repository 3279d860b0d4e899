import type { Activity } from '../activity/activity.js';
import type { DjaffarOptions } from '../options/djaffar.options.js';
import type { SubscriptionOptions } from '../options/subscription.options.js';
import { matcherOf } from '../activity/activity-pattern.js';
import { subscriptionOfWebhook } from './webhook.js';
import type { OutboxSubscription } from '../store/outbox.js';

/** A subscription with its defaults filled in. */
export interface Subscription extends OutboxSubscription {
  handler: SubscriptionOptions['handler'];
  from: 'now' | 'beginning';
  maxBatch: number;
  /** Milliseconds. */
  timeout: number;
  lease: number;
  maxFailures: number;
  /** Returns how many of the first activities are delivered in one call of the handler. */
  countThatFits: (activities: Activity[]) => number;
}

function toSubscription({
  name,
  filter = {},
  handler,
  from = 'now',
  maxBatch = 100,
  timeout = 60_000,
  lease = 10_000,
  maxFailures = 20,
  countThatFits = (activities) => activities.length,
}: SubscriptionOptions & Partial<Pick<Subscription, 'countThatFits'>>): Subscription {
  return {
    name,
    matches: matcherOf(filter),
    handler,
    from,
    maxBatch,
    timeout,
    lease,
    maxFailures,
    countThatFits,
  };
}

/** The subscriptions of the options, with the webhooks. */
export function subscriptionsOf({
  subscriptions = [],
  webhooks = [],
}: Pick<DjaffarOptions, 'subscriptions' | 'webhooks'>): Subscription[] {
  return [...subscriptions, ...webhooks.map(subscriptionOfWebhook)].map(toSubscription);
}
