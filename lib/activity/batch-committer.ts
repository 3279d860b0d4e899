import type { Telemetry } from '../diagnostics/telemetry.js';
import type { Write, Batch } from '../store/batch.js';
import type { Store } from '../store/store.js';
import type { Clock } from '../time/clock.js';
import type { CommittedActivities } from './committed-activities.js';
import type { KnownSessions } from './known-sessions.js';
import type { PageResolver } from './page.js';
import type { Session } from './session.js';
import { WRITE_SYMPTOM, type WriteErrors } from './write-errors.js';
import type { PendingWrite, WriteQueue } from './write-queue.js';
import { createHash } from 'node:crypto';
import type { ActivityOnPage, StoredActivity } from './activity.js';

interface CommitterParts {
  store: Pick<Store, 'incidents'>;
  queue: WriteQueue;
  sessions: KnownSessions;
  errors: WriteErrors;
  pages: PageResolver;
  clock: Clock;
  /** Milliseconds before the deadline when a statement is cancelled. */
  grace: number;
  committed: CommittedActivities | undefined;
  telemetry: Telemetry;
  /** Called after each commit, before the writes are answered. */
  onCommitted: () => void;
}

/** Writes batches of the queue, and answers the writes. */
export class BatchCommitter {
  constructor(private readonly parts: CommitterParts) {}

  /**
   * Writes the batch. If the content of a row is the problem, halves it until only that row is refused.
   * @throws an error that is worth another try
   */
  async commit(batch: PendingWrite[], write: Write, deadline: number): Promise<void> {
    const { sessions: known, errors, queue, store, committed } = this.parts;
    try {
      const { erasures } = known;
      const { sessions, unsure } = this.splitSessions(batch);
      await this.send(batch, sessions, write, deadline);
      // A known session may have been erased in the meantime; writing everything again is harmless.
      if (known.erasures !== erasures)
        await this.send(batch, this.splitSessions(batch).sessions, write, deadline);
      else known.add(sessions.keys());
      known.recheck(unsure);
    } catch (error) {
      const failure = errors.classify(error);
      if (failure.kind === 'transient') throw error;
      if (failure.kind === 'data' && batch.length > 1) {
        const middle = batch.length >> 1;
        await this.commit(batch.slice(0, middle), write, deadline);
        await this.commit(batch.slice(middle), write, deadline);
        return;
      }
      for (const each of batch) queue.answer(each, errors.refused(failure, error));
      return;
    }
    this.parts.onCommitted();
    // Must be logged before the line that the problem is over.
    errors.reportLate();
    store.incidents.worked(WRITE_SYMPTOM);
    for (const each of batch) {
      queue.answer(each);
      committed?.emit(each.activities);
    }
  }

  private splitSessions(batch: PendingWrite[]): ReturnType<KnownSessions['split']> {
    return this.parts.sessions.split(batch.map(({ session }) => session));
  }

  private async send(
    writes: PendingWrite[],
    sessions: Map<string, Session>,
    write: Write,
    deadline: number,
  ): Promise<void> {
    const { clock, grace, pages, telemetry } = this.parts;
    const within = Math.max(deadline - clock.now() - grace, 1);
    const activities = toRows(
      writes.flatMap((each) => each.activities),
      pages,
    );
    // Nothing is left of a write without activities if its session has been stored in the meantime.
    if (activities.length + sessions.size > 0)
      await telemetry.time('commit', { activities: activities.length }, () =>
        write(toBatch(activities, [...sessions.values()]), within),
      );
  }
}

export function toBatch(activities: ActivityOnPage[], sessions: Session[]): Batch {
  const token = (): string => {
    const hash = createHash('sha256');
    for (const { id } of activities) hash.update(id);
    return hash.digest('hex');
  };
  return { activities, sessions, token };
}

/** Returns each id once, with its page. */
export function toRows(given: StoredActivity[], pages: PageResolver): ActivityOnPage[] {
  const activities = new Map<string, ActivityOnPage>();
  for (const activity of given)
    if (!activities.has(activity.id))
      activities.set(activity.id, Object.assign(activity, { page: pages.find(activity.path) }));
  return [...activities.values()];
}
