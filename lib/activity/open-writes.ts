import type { StoredActivity } from './activity.js';

/** The writes that are accepted, but neither committed nor refused yet. */
export class OpenWrites {
  private readonly writes = new Map<Promise<void>, StoredActivity[]>();

  add(written: Promise<void>, activities: StoredActivity[]): void {
    this.writes.set(written, activities);
  }

  delete(written: Promise<void>): void {
    this.writes.delete(written);
  }

  /** Resolves when the current writes are settled: all, or those with an activity of the session. */
  async settled(session?: string): Promise<void> {
    const own = [...this.writes].filter(
      ([, activities]) => session === undefined || activities.some(({ sessionId }) => sessionId === session),
    );
    await Promise.allSettled(own.map(([written]) => written));
  }
}
