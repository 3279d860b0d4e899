import type { Outbox } from '../store/outbox.js';

/** An outbox that delivers nothing, as if another instance did it, so that an app with subscriptions starts in a test. */
export const silentOutbox: Outbox = {
  register: () => Promise.resolve(),
  take: () => Promise.resolve(undefined),
  renew: () => Promise.resolve(false),
  release: () => Promise.resolve(),
  findWaiting: () => Promise.resolve([]),
  findHistory: () => Promise.resolve({ activities: [], next: null }),
  settle: () => Promise.resolve(false),
  resume: () => Promise.resolve(false),
  discard: () => Promise.resolve(),
  status: () => Promise.resolve([]),
  deleteAbandoned: () => Promise.resolve(),
};
