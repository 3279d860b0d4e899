import type { OnModuleDestroy } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { ScopedActivities } from '../activity/scoped-activities.js';
import type { ActivityStream } from './activity.stream.js';

/** How many scopes may be watched at once. A stream that is ended is begun again by the browser. */
const MAX_STREAMS = 500;

/** One {@link ActivityStream} for all who may see the same. */
export class ActivityStreams implements OnModuleDestroy {
  private readonly streams = new LRUCache<string, ActivityStream>({
    max: MAX_STREAMS,
    dispose: (stream) => stream.onModuleDestroy(),
  });

  constructor(private readonly create: (activities: ScopedActivities) => ActivityStream) {}

  /** @param key the same for the same scope */
  of(key: string, activities: ScopedActivities): ActivityStream {
    let stream = this.streams.get(key);
    if (!stream) this.streams.set(key, (stream = this.create(activities)));
    return stream;
  }

  onModuleDestroy(): void {
    this.streams.clear();
  }
}
