import type { Type } from '@nestjs/common';
import type { Activity } from '../activity/activity.js';
import type { ActivityPattern } from '../activity/activity-pattern.js';

/** The second argument of a handler. */
export interface Delivery {
  /** Aborts if the handler takes longer than `timeout`, or another instance may take over, or the application ends. */
  signal: AbortSignal;
  /** 1 at first, and one more after each failure. */
  attempt: number;
}

/** A provider that is called with the activities of a subscription. */
export interface ActivityHandler {
  /** If it throws or rejects, the same activities are delivered again. */
  handle(activities: Activity[], delivery: Delivery): unknown;
}

/** A subscription, which delivers activities at least once; see the option `subscriptions`. */
export interface SubscriptionOptions {
  /** At most 64 letters, digits, `.`, `_` or `-`. The delivery state is stored under this name, so a new name is a new subscription. */
  name: string;

  /**
   * Which activities are delivered.
   * @defaultValue all
   */
  filter?: ActivityPattern | undefined;

  /** A function, or the class of a provider of any module. */
  handler: ActivityHandler['handle'] | Type<ActivityHandler>;

  /**
   * The start of a new subscription: only activities that are stored from now on, or all existing ones too.
   * @defaultValue 'now'
   */
  from?: 'now' | 'beginning' | undefined;

  /**
   * How many activities the handler gets at most.
   * @defaultValue 100
   */
  maxBatch?: number | undefined;

  /**
   * Milliseconds after which the handler's `signal` aborts. It still counts as running until it ends.
   * @defaultValue 60_000
   */
  timeout?: number | undefined;

  /**
   * Milliseconds after which another instance takes over from one that was killed or does not answer. The handler must not block
   * the event loop for longer.
   * @defaultValue 10_000
   */
  lease?: number | undefined;

  /**
   * The number of failures in a row after which the subscription is parked until `ActivitySubscriptions.resume` is called. The pauses
   * between the tries are 1 s, 2 s, 4 s and so on, at most 10 minutes; with the default, that takes about 2 hours.
   * @defaultValue 20
   */
  maxFailures?: number | undefined;
}

/** A receiver of activities; see the option `webhooks`. */
export interface WebhookOptions extends Pick<
  SubscriptionOptions,
  'filter' | 'from' | 'maxFailures' | 'lease'
> {
  /** `https:`, or `http:` with `privateAddresses`. */
  url: string;

  /** The key that signs the requests: `whsec_` and 24 to 64 bytes in base64, for example `whsec_$(openssl rand -base64 32)`. */
  secret: string;

  /**
   * The delivery state is stored under this name.
   * @defaultValue the host of `url`, `-` and 16 digits of the SHA-256 of `url`
   */
  name?: string | undefined;

  /**
   * Additional headers, such as `Authorization`.
   * @defaultValue none
   */
  headers?: Record<string, string> | undefined;

  /**
   * How many activities one request has at most. A request has 256 KiB at most, unless one activity alone is larger.
   * @defaultValue 100
   */
  maxBatch?: number | undefined;

  /**
   * Milliseconds in which the receiver must answer.
   * @defaultValue 15_000
   */
  timeout?: number | undefined;

  /**
   * Whether `url` may lead to this machine or to a private network, and need not be encrypted.
   * @defaultValue false
   */
  privateAddresses?: boolean | undefined;
}
