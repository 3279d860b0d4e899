import { AsyncResource } from 'node:async_hooks';
import type { Store } from '../store/store.js';
import { UnavailableError } from '../store/unavailable.error.js';
import type { Clock } from '../time/clock.js';
import { RecentIds } from './recent-ids.js';
import type { NewSession, Session } from './session.js';
import { WRITE_SYMPTOM, type WriteErrors } from './write-errors.js';

/** Milliseconds until erased sessions are restored. */
const CHECK_PAUSE = 1000;
/** How many sessions may wait for the lookup; others are inserted again. */
const MAX_UNCHECKED = 10_000;

const CHECK_SYMPTOM = 'sessions that another instance has erased cannot be restored';

/**
 * The sessions that this process has stored lately, which are not inserted again with each activity. Another instance may
 * erase such a session in the meantime; so once a second those with new activities are looked up, and restored if missing.
 */
export class KnownSessions {
  /** How often this process has erased activities or sessions. */
  erasures = 0;
  private readonly stored: RecentIds;
  /** Known sessions with new activities. */
  private unchecked = new Map<string, NewSession>();
  private checking: Promise<void> | undefined;
  private checkTimer: NodeJS.Timeout | undefined;
  private isClosing = false;
  /** Bound to no request: a timer that a request starts must not be cancelled with it. */
  private readonly checkLater: () => void;

  /** @param background whether anything may run after an answer; if not, each write inserts its sessions */
  constructor(
    private readonly store: Store,
    private readonly errors: WriteErrors,
    clock: Clock,
    private readonly background: boolean,
  ) {
    this.stored = new RecentIds(60_000, 50_000, clock);
    this.checkLater = AsyncResource.bind(() => {
      this.checkTimer ??= setTimeout(() => {
        this.checkTimer = undefined;
        void this.check();
      }, CHECK_PAUSE).unref();
    });
  }

  /** Returns the sessions to insert, and those to {@link recheck} after the write. */
  split(given: (NewSession | undefined)[]): { sessions: Map<string, Session>; unsure: NewSession[] } {
    const sessions = new Map<string, Session>();
    const unsure: NewSession[] = [];
    for (const session of given) {
      if (!session || sessions.has(session.id)) continue;
      const isSkipped = this.canCheck && this.stored.has(session.id);
      if (!isSkipped) sessions.set(session.id, session.row());
      if (isSkipped || (this.canCheck && !this.store.isTransactional)) unsure.push(session);
    }
    return { sessions, unsure };
  }

  /** Marks sessions as stored. */
  add(ids: Iterable<string>): void {
    for (const id of ids) this.stored.add(id);
  }

  /** Checks later if these sessions, which an erasure may have deleted during the write, are still there. */
  recheck(sessions: NewSession[]): void {
    if (sessions.length === 0) return;
    for (const session of sessions) this.unchecked.set(session.id, session);
    this.checkLater();
  }

  /** Stores the session of activities that are committed already. Statistics that have seen them without it are recomputed. */
  async storeLate(session: NewSession): Promise<void> {
    if (this.canCheck && this.stored.has(session.id)) return this.recheck([session]);
    await this.store.restoreSessions([session], WRITE_SYMPTOM);
    this.stored.add(session.id);
  }

  /** Must be called after activities or sessions were erased. */
  onErased(): void {
    this.stored.clear();
    this.erasures += 1;
  }

  /** Restores the known sessions that another instance has erased. It never rejects: a failure is logged and retried later. */
  check(): Promise<void> {
    this.checking ??= this.restoreErased().finally(() => {
      this.checking = undefined;
      if (this.unchecked.size > 0 && !this.isClosing) this.checkLater();
    });
    return this.checking;
  }

  /** From now on each write inserts its sessions, because nothing is checked after a shutdown. */
  stopSkipping(): void {
    this.isClosing = true;
  }

  /** Checks a last time. */
  async close(): Promise<void> {
    this.stop();
    await this.checking;
    await this.check();
  }

  /** Ends the checks: the store is about to be closed. */
  stop(): void {
    this.stopSkipping();
    clearTimeout(this.checkTimer);
  }

  private get canCheck(): boolean {
    return this.background && !this.isClosing && this.unchecked.size < MAX_UNCHECKED;
  }

  private async restoreErased(): Promise<void> {
    const sessions = this.unchecked;
    if (sessions.size === 0) return;
    this.unchecked = new Map();
    try {
      await this.store.restoreSessions([...sessions.values()], CHECK_SYMPTOM);
    } catch (error) {
      for (const [id, session] of sessions) this.unchecked.set(id, session);
      // An UnavailableError is in the log already.
      if (!(error instanceof UnavailableError))
        this.store.incidents.failed(CHECK_SYMPTOM, this.errors.classify(error), 'warn');
    }
  }
}
