import { setImmediate } from 'node:timers/promises';
import { Inject, Injectable } from '@nestjs/common';
import { STORE } from '../options/settings.js';
import type { Store } from '../store/store.js';
import type { StoredActivity } from './activity.js';
import { receivedLater } from './received-later.js';

/** Receives the activities that this process has committed. */
export interface CommitListener {
  /** Called at once after the commit; it must neither throw nor take long. */
  take(activities: StoredActivity[]): void;
  /** Resolves when the listener has read what is stored about the activities that it has taken. */
  informed?(): Promise<void>;
  /** Resolves when the listener has handled all activities, or after the milliseconds. */
  finish(within: number): Promise<void>;
}

/** Passes the activities that this process has committed to the listeners. */
@Injectable()
export class CommittedActivities {
  private readonly listeners: CommitListener[] = [];

  constructor(@Inject(STORE) private readonly store: Pick<Store, 'clockAhead'>) {}

  listen(listener: CommitListener): void {
    this.listeners.push(listener);
  }

  /** The listeners get the activities as they are stored. */
  emit(activities: StoredActivity[]): void {
    if (this.listeners.length === 0) return;
    const stored = receivedLater(activities, this.store.clockAhead);
    for (const listener of this.listeners) listener.take(stored);
  }

  /** Resolves when the listeners have read what they need about the activities that are committed now. */
  async informed(): Promise<void> {
    // All listeners take the same activities in one step.
    await setImmediate();
    await Promise.all(this.listeners.map(async (listener) => listener.informed?.()));
  }

  /** Must be called after the last commit. */
  async finish(within: number): Promise<void> {
    await Promise.all(this.listeners.map((listener) => listener.finish(within)));
  }
}
