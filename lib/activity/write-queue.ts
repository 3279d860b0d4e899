import type { Clock } from '../time/clock.js';
import type { StoredActivity } from './activity.js';
import type { NewSession } from './session.js';

/** The activities of one call, stored all or none. */
export interface PendingWrite {
  activities: StoredActivity[];
  session: NewSession | undefined;
  /** In milliseconds, by the writer's clock. */
  deadline: number;
  isAnswered: boolean;
  resolve(): void;
  reject(error: Error): void;
}

/** The writes that wait for a transaction, the earliest deadline first. */
export class WriteQueue {
  /** How many activities are not answered yet, in the queue or in a transaction. */
  waiting = 0;
  private queue: PendingWrite[] = [];
  private expiryTimer: NodeJS.Timeout | undefined;

  /**
   * @param maxBatch activities that are taken at once
   * @param reserve milliseconds before its deadline when a write is refused, because a try and its cancellation take time
   * @param onLate returns the error of a write whose time is over
   * @param onRefused called after such writes were refused
   */
  constructor(
    private readonly maxBatch: number,
    private readonly reserve: number,
    private readonly clock: Clock,
    private readonly onLate: () => Error,
    private readonly onRefused: () => void,
  ) {}

  get length(): number {
    return this.queue.length;
  }

  /** Resolves when the write is done. */
  add(activities: StoredActivity[], session: NewSession | undefined, deadline: number): Promise<void> {
    this.waiting += activities.length;
    return new Promise((resolve, reject) => {
      const write = { activities, session, deadline, isAnswered: false, resolve, reject };
      const at = this.queue.findLastIndex((other) => other.deadline <= deadline) + 1;
      this.queue.splice(at, 0, write);
      if (at === 0) this.watch();
    });
  }

  /** Adds the writes again that are not answered. */
  putBack(writes: PendingWrite[]): void {
    const left = writes.filter(({ isAnswered }) => !isAnswered);
    this.queue = [...left, ...this.queue].sort((a, b) => a.deadline - b.deadline);
    this.refuseLate();
    this.watch();
  }

  /**
   * Takes writes for one transaction. It lasts no longer than the first of them can wait, so writes with more than twice its
   * time are left for the next one: otherwise one request with little time could fail all others if the database is slow.
   */
  take(): PendingWrite[] {
    this.refuseLate();
    const [first] = this.queue;
    if (!first) return [];
    const now = this.clock.now();
    const latest = now + 2 * (first.deadline - now);
    let count = 0;
    const end = this.queue.findIndex(({ activities, deadline }, i) => {
      count += activities.length;
      return i > 0 && (count > this.maxBatch || deadline > latest);
    });
    const taken = this.queue.splice(0, end === -1 ? this.queue.length : end);
    this.watch();
    return taken;
  }

  answer(write: PendingWrite, error?: Error): void {
    if (write.isAnswered) return;
    write.isAnswered = true;
    this.waiting -= write.activities.length;
    if (error) write.reject(error);
    else write.resolve();
  }

  private refuseLate(): void {
    const latest = this.clock.now() + this.reserve;
    const late = this.queue.filter(({ deadline }) => deadline <= latest);
    if (late.length === 0) return;
    this.queue = this.queue.filter(({ deadline }) => deadline > latest);
    for (const write of late) if (!write.isAnswered) this.answer(write, this.onLate());
    this.onRefused();
  }

  /** Refuses in time the writes that get no transaction. */
  private watch(): void {
    clearTimeout(this.expiryTimer);
    const [first] = this.queue;
    if (!first) return;
    const wait = Math.max(1, first.deadline - this.reserve - this.clock.now());
    this.expiryTimer = setTimeout(() => {
      this.refuseLate();
      this.watch();
    }, wait).unref();
  }
}
