import type { OnModuleDestroy } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { ScopedActivities } from '../activity/scoped-activities.js';
import type { ActivityStream } from './activity.stream.js';

/** Scopes that may be watched at once. If the stream of a browser is ended, the browser reconnects. */
const MAX_STREAMS = 500;

/** One {@link ActivityStream} for each scope. */
export class StreamsByScope implements OnModuleDestroy {
  private readonly streams = new LRUCache<string, ActivityStream>({
    max: MAX_STREAMS,
    dispose: (stream) => stream.onModuleDestroy(),
  });

  constructor(private readonly create: (activities: ScopedActivities) => ActivityStream) {}

  /** @param key identifies the scope */
  of(key: string, activities: ScopedActivities): ActivityStream {
    let stream = this.streams.get(key);
    if (!stream) this.streams.set(key, (stream = this.create(activities)));
    return stream;
  }

  onModuleDestroy(): void {
    this.streams.clear();
  }
}
