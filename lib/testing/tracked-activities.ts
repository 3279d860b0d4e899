import type { Activity } from '../activity/activity.js';
import { type ActivityFilter, parseFilter } from '../activity/activity.filter.js';
import { STORE } from '../options/settings.js';
import { MemoryStore } from './memory.store.js';

/** The part of the `TestingModuleBuilder` of `@nestjs/testing` that {@link TrackedActivities.use} needs. */
export interface OverridableModule<Builder> {
  /** As in `@nestjs/testing`. */
  overrideProvider(token: unknown): {
    /** As in `@nestjs/testing`. */
    useValue(value: object): Builder;
  };
}

/** How many activities to wait for, and how long. */
export interface WaitOptions {
  /**
   * How many activities have to match.
   * @defaultValue 1
   */
  count?: number | undefined;
  /**
   * Milliseconds after which it fails.
   * @defaultValue 1000
   */
  timeout?: number | undefined;
}

/**
 * What was tracked in a test, in memory.
 * @example
 * ```ts
 * import { TrackedActivities } from 'nestjs-djaffar/testing';
 *
 * const tracked = new TrackedActivities();
 * expect(tracked.list({ name: 'order.paid' })).toMatchObject([{ userId: '17', properties: { total: 20 } }]);
 * tracked.clear();
 * ```
 */
export class TrackedActivities {
  /** @internal */
  readonly store = new MemoryStore();

  /**
   * Makes a whole app track into memory. Its `DjaffarModule` is unchanged, with guards, options and context.
   * @example
   * ```ts
   * import { Test } from '@nestjs/testing';
   * import { TrackedActivities } from 'nestjs-djaffar/testing';
   *
   * class AppModule {}
   * const tracked = new TrackedActivities();
   * const testing = await tracked.use(Test.createTestingModule({ imports: [AppModule] })).compile();
   * await testing.createNestApplication().init();
   * ```
   * @param builder what `Test.createTestingModule(…)` returns
   * @returns the same builder
   */
  use<Builder>(builder: OverridableModule<Builder>): Builder {
    return builder.overrideProvider(STORE).useValue(this.store);
  }

  /**
   * Returns the activities of the filter, in the order in which they were tracked.
   * @throws InvalidFilterError
   */
  list(filter: ActivityFilter = {}): Activity[] {
    return this.store.list(parseFilter(filter));
  }

  /** Forgets all activities and sessions. */
  clear(): void {
    this.store.clear();
  }

  /**
   * Waits for activities that are tracked after the answer to a request, such as those of `@Track`, or by a job.
   * @returns all that match
   * @throws Error that lists what was tracked instead, if they do not come in time
   */
  async waitFor(
    filter: ActivityFilter = {},
    { count = 1, timeout = 1000 }: WaitOptions = {},
  ): Promise<Activity[]> {
    const found = this.list(filter);
    if (found.length >= count) return found;
    return new Promise((resolve, reject) => {
      const stop = this.store.onWrite(() => {
        const activities = this.list(filter);
        if (activities.length < count) return;
        clearTimeout(timer);
        stop();
        resolve(activities);
      });
      const timer = setTimeout(() => {
        stop();
        reject(new Error(this.describeMissing(filter, count, timeout)));
      }, timeout);
    });
  }

  private describeMissing(filter: ActivityFilter, count: number, timeout: number): string {
    const all = this.list().map(({ name, path }) => `${name} at ${path}`);
    return (
      `${this.list(filter).length} of ${count} activities matched ${JSON.stringify(filter)} within ${timeout} ms; ` +
      `tracked: ${all.join(', ') || 'none'}`
    );
  }
}
