import type { Type } from '@nestjs/common';
import type { Activity } from '../activity/activity.js';
import type { ActivityPattern } from '../activity/activity-pattern.js';

/** What a handler gets besides the activities. */
export interface Delivery {
  /** Aborts if the handler takes longer than `timeout`, or another instance may take over, or the application ends. */
  signal: AbortSignal;
  /** 1 at first, and one more after each failure. */
  attempt: number;
}

/** A provider that is called with the activities of a subscription. */
export interface ActivityHandler {
  /** Throws, or rejects, if the same activities are to be given to it again. */
  handle(activities: Activity[], delivery: Delivery): unknown;
}

/** What is delivered at least once; see the option `subscriptions`. */
export interface SubscriptionOptions {
  /** At most 64 letters, digits, `.`, `_` or `-`. What is delivered is remembered by this name: a new name is a new subscription. */
  name: string;

  /**
   * Which activities are delivered.
   * @defaultValue all
   */
  filter?: ActivityPattern | undefined;

  /** A function, or the class of a provider of any module. */
  handler: ActivityHandler['handle'] | Type<ActivityHandler>;

  /**
   * Where a new subscription begins: with the activities that are stored from now on, or with all that there are.
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
   * After how many failures in a row nothing is delivered any more until `ActivitySubscriptions.resume` is called. The
   * pauses between are 1 s, 2 s, 4 s and so on, at most 10 minutes: with the default it takes about 2 hours.
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

  /** What signs the requests: `whsec_` and 24 to 64 bytes in base64, as of `whsec_$(openssl rand -base64 32)`. */
  secret: string;

  /**
   * What is delivered is remembered by this name.
   * @defaultValue `webhook-` and 16 digits of the SHA-256 of `url`
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
   * Milliseconds until the receiver must have answered.
   * @defaultValue 15_000
   */
  timeout?: number | undefined;

  /**
   * Whether `url` may lead to this machine or to a private network, and need not be encrypted.
   * @defaultValue false
   */
  privateAddresses?: boolean | undefined;
}
