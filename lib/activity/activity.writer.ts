import type {
  BeforeApplicationShutdown,
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleDestroy,
} from '@nestjs/common';
import { createHash } from 'node:crypto';
import { AsyncResource } from 'node:async_hooks';
import type { EntityManager } from 'typeorm';
import type { WriterSettings } from '../options/store.options.js';
import type { Batch, Store, StoreFailure, Write } from '../store/store.js';
import { UnavailableError } from '../store/unavailable.error.js';
import { monotonicClock } from '../time/clock.js';
import type { ActivityOnPage, StoredActivity } from './activity.js';
import { Pages } from './page.js';
import { RecentIds } from './recent-ids.js';
import type { NewSession, Session } from './session.js';
import { UnstorableError } from './unstorable.error.js';

/** What one caller wants written, all or nothing. */
interface PendingWrite {
  activities: StoredActivity[];
  session: NewSession | undefined;
  /** By the writer's clock, in milliseconds. */
  deadline: number;
  isAnswered: boolean;
  resolve(): void;
  reject(error: Error): void;
}

// Milliseconds.
const FIRST_PAUSE = 20;
const LONGEST_PAUSE = 500;
/** For the database to say that it has cancelled a statement; less if the time-out is short. */
const LONGEST_GRACE = 250;

/** Milliseconds until sessions are looked for that another instance may have erased. */
const CHECK_PAUSE = 1000;
/** How many sessions wait for that; any more are inserted. */
const MAX_UNCHECKED = 10_000;

/** What is said in the log. */
const SUBJECT = 'activities cannot be stored';
const CHECK_SUBJECT = 'sessions that another instance has erased cannot be restored';

/**
 * Group commit: what arrives while transactions are under way waits together and goes into the next one. A caller is
 * answered when its activities are committed, or at the latest when its time is over: what takes too long is cancelled
 * before that, so that nothing is stored which was refused. If the database does not even answer to that, the connection
 * is destroyed, and nobody knows what it stores; to send the same ids again is harmless.
 */
export class ActivityWriter
  implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown
{
  /** Sessions that were stored lately, and are not inserted again. */
  private readonly knownSessions: RecentIds;
  /** Known sessions with new activities: another instance may have erased the session in the meantime. */
  private unchecked = new Map<string, NewSession>();
  private checking: Promise<void> | undefined;
  private checkTimer: NodeJS.Timeout | undefined;
  /** Outside of the request that starts the timer: what it asks does not end with that. */
  private readonly checkLater: () => void;
  private queue: PendingWrite[] = [];
  /** What is not answered yet. */
  private readonly open = new Set<Promise<void>>();
  private waiting = 0;
  /** How many connections are held or waited for. */
  private serving = 0;
  /** How many of them have not taken anything from the queue yet. */
  private seeking = 0;
  private isPumping = false;
  /** Milliseconds until the next try, after failures. */
  private pause = 0;
  private pauseTimer: NodeJS.Timeout | undefined;
  private expiryTimer: NodeJS.Timeout | undefined;
  private abortTimer: NodeJS.Timeout | undefined;
  private readonly grace: number;
  /** By the clock: when a connection was given up, if no write has succeeded since. */
  private silentSince: number | undefined;
  /** How many were refused late without a line in the log. */
  private unreported = 0;
  private erasures = 0;
  /** No request is accepted any more; what the host's own code tracks still is. */
  isClosing = false;
  private isClosed = false;

  constructor(
    private readonly store: Store,
    private readonly settings: WriterSettings,
    private readonly pages = new Pages(),
    private readonly clock = monotonicClock,
    /** Whether anything may run after an answer; if not, each write inserts its sessions. */
    private readonly background = true,
  ) {
    this.knownSessions = new RecentIds(60_000, 50_000, clock);
    this.checkLater = AsyncResource.bind(() => {
      this.checkTimer ??= setTimeout(() => {
        this.checkTimer = undefined;
        void this.checkSessions();
      }, CHECK_PAUSE).unref();
    });
    this.grace = Math.min(LONGEST_GRACE, settings.timeout / 10);
  }

  /**
   * Resolves once the activities, and the session where it is new, are committed. Ids that are there already are
   * passed over.
   * @param deadline of {@link deadline}, if the caller has waited for the database before
   * @throws UnavailableError if too many wait, the time is over, or the database refuses
   * @throws UnstorableError if the database can never take it
   */
  async write(activities: StoredActivity[], session?: NewSession, deadline = this.deadline()): Promise<void> {
    if (this.isClosed) throw new UnavailableError('the application is shutting down');
    this.checkSize(activities.length);
    this.waiting += activities.length;
    const written = new Promise<void>((resolve, reject) => {
      this.enqueue({ activities, session, deadline, isAnswered: false, resolve, reject });
    });
    this.open.add(written);
    this.pump();
    try {
      await written;
    } finally {
      this.open.delete(written);
    }
  }

  /** @returns by the writer's clock, when what begins now is refused */
  deadline(within = this.settings.timeout): number {
    return this.clock.now() + within;
  }

  /** @returns milliseconds that are left until the deadline */
  timeLeft(deadline: number): number {
    return deadline - this.clock.now();
  }

  /**
   * Refuses a request at once if it would have to wait too long, before any work is done on it.
   * @throws UnavailableError
   */
  checkRoom(): void {
    if (this.isClosing) throw new UnavailableError('the application is shutting down');
    this.checkSize(1);
  }

  /**
   * Says in the log why activities are refused that can never be stored.
   * @returns what to throw
   */
  refuse(reason: string, code = 'UNSTORABLE', cause?: unknown): UnstorableError {
    const subject = 'an activity was refused that the database can never take';
    this.store.incidents.failed(subject, { code, reason }, 'warn');
    return new UnstorableError(reason, { cause });
  }

  /**
   * Writes in a transaction of the host. What the engine throws is thrown as it is, so that the host can try again.
   * @param onCommit called when the host has committed it
   * @throws Error if the store has no such transactions, or the manager is in none of them
   */
  async writeIn(
    manager: EntityManager,
    activities: StoredActivity[],
    session: NewSession | undefined,
    onCommit: () => void,
  ): Promise<void> {
    const { typeorm } = this.store;
    if (!typeorm)
      throw new Error(
        'Djaffar: track() was given a manager, but activities are not stored in a TypeORM data source',
      );
    await typeorm.write(manager, this.rowsOf(activities), () => {
      // Only now may a new session be stored.
      if (session && this.canSkip(session)) this.noteSkipped([session]);
      else if (session) this.storeLate(session);
      onCommit();
    });
  }

  /** Statistics may have seen its activities already, without it: they are recomputed. */
  private storeLate(session: NewSession): void {
    const store = async (): Promise<void> => {
      await this.store.restoreSessions([session], SUBJECT);
      this.knownSessions.add(session.id);
    };
    const stored = store()
      // The log says so, and the next activity of the session stores it.
      .catch(() => {})
      .finally(() => this.open.delete(stored));
    this.open.add(stored);
  }

  /**
   * Restores the known sessions that another instance has erased, if they have got activities since. It never rejects:
   * what fails is said in the log, and tried again later.
   */
  checkSessions(): Promise<void> {
    this.checking ??= this.restoreErased().finally(() => {
      this.checking = undefined;
      if (this.unchecked.size > 0 && !this.isClosing) this.checkLater();
    });
    return this.checking;
  }

  /** To be called where activities or sessions are erased. */
  noteErasure(): void {
    this.knownSessions.clear();
    this.erasures += 1;
  }

  /** @throws Error if the database cannot hold what people write */
  async onApplicationBootstrap(): Promise<void> {
    if (!this.store.isOpen) return;
    const fault = await this.store.findEncodingFault().catch(() => undefined);
    if (fault) throw new Error(`Djaffar: ${fault}`);
  }

  /** The first that a shutdown does: else new requests could keep the queue from ever being empty. */
  onModuleDestroy(): void {
    this.isClosing = true;
  }

  /** Resolves when everything that was accepted is committed, or refused because its time is over. */
  async beforeApplicationShutdown(): Promise<void> {
    this.isClosing = true;
    this.abortTimer = setTimeout(() => this.store.abort(), this.settings.timeout);
    await Promise.allSettled(this.open);
    clearTimeout(this.checkTimer);
    await this.checking;
    await this.checkSessions();
  }

  /** The data source is closed now, too. */
  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.abortTimer);
    this.isClosed = true;
    this.store.abort();
    await this.store.close();
  }

  private checkSize(activities: number): void {
    if (this.waiting + activities > this.settings.maxWaiting) {
      throw this.overload('too many activities are waiting to be written', 'maxWaiting');
    }
  }

  /**
   * Says in the log that activities are refused, unless it says already what the database suffers from.
   * @returns what to throw
   */
  private overload(reason: string, setting: keyof WriterSettings): UnavailableError {
    const advice = `writer.${setting}: the database is slow, or the pool has no free connection`;
    this.store.incidents.followed(SUBJECT, { code: 'OVERLOAD', reason, advice }, 'warn');
    return new UnavailableError(reason);
  }

  /** One turn of the event loop lets in the requests that have arrived together. */
  private pump(): void {
    if (this.isPumping || this.pauseTimer) return;
    this.isPumping = true;
    setImmediate(() => {
      this.isPumping = false;
      while (this.serving < this.settings.concurrency && this.seeking < this.queue.length) void this.serve();
    });
  }

  /** Never rejects: whatever happens is said to those who wait. */
  private async serve(): Promise<void> {
    this.serving += 1;
    this.seeking += 1;
    let isSeeking = true;
    const found = (): void => {
      if (isSeeking) this.seeking -= 1;
      isSeeking = false;
    };
    const giveUp = new AbortController();
    let works: PendingWrite[] = [];
    try {
      await this.store.lendWriter(async (write) => {
        works = this.take();
        const begun = this.clock.now();
        found();
        if (works.length === 0) return;
        const until = this.deadlineOf(works);
        const timer = setTimeout(() => {
          const silence = new UnavailableError('the database does not answer');
          giveUp.abort(silence);
          this.noteSilence(begun);
          // Nobody waits for the connection to be given back, too.
          this.giveUp(works, silence);
          works = [];
        }, this.timeLeft(until));
        try {
          await this.commit(works, write, until);
        } finally {
          clearTimeout(timer);
        }
      }, giveUp.signal);
    } catch (error) {
      // Nobody waits if another connection has taken all meanwhile: a pool that is closed then is no trouble.
      const isOver = giveUp.signal.aborted || (works.length === 0 && this.queue.length === 0);
      if (!isOver) this.postpone(works, error);
    }
    found();
    this.serving -= 1;
    this.reportLate();
    this.pump();
  }

  /**
   * One connection that did not answer may have had bad luck. If another one that was used after it does not answer
   * either, the network is silent, and so are the idle ones.
   */
  private noteSilence(begun: number): void {
    if (this.silentSince === undefined) this.silentSince = this.clock.now();
    else if (begun >= this.silentSince) this.store.dropIdleConnections();
  }

  /** When a try is given up, by the clock. Some have more time left: they are tried again then. */
  private deadlineOf(works: PendingWrite[]): number {
    return works.reduce((earliest, { deadline }) => Math.min(earliest, deadline), this.deadline());
  }

  /** Refuses those whose time is over; the others are tried again on another connection. */
  private giveUp(works: PendingWrite[], silence: UnavailableError): void {
    const now = this.clock.now();
    for (const work of works) if (work.deadline <= now) this.answer(work, silence);
    this.postpone(works, silence);
  }

  /** What the database could not take now is tried again, after a pause. */
  private postpone(works: PendingWrite[], error: unknown): void {
    this.store.incidents.failed(SUBJECT, this.failureOf(error), 'warn');
    const left = works.filter(({ isAnswered }) => !isAnswered);
    this.queue = [...left, ...this.queue].sort((a, b) => a.deadline - b.deadline);
    this.refuseLate();
    this.watchQueue();
    this.pause = Math.min(2 * this.pause || FIRST_PAUSE, LONGEST_PAUSE);
    this.pauseTimer ??= setTimeout(() => {
      this.pauseTimer = undefined;
      this.pump();
    }, this.pause);
  }

  /** Whoever has the least time left comes first: a request may have waited before it wrote. */
  private enqueue(work: PendingWrite): void {
    const at = this.queue.findLastIndex(({ deadline }) => deadline <= work.deadline) + 1;
    this.queue.splice(at, 0, work);
    if (at === 0) this.watchQueue();
  }

  /**
   * A try lasts no longer than the first of them can wait. So those with more than twice its time are left for another try:
   * else one request with little time would keep all others from being stored by a database that is slow.
   */
  private take(): PendingWrite[] {
    this.refuseLate();
    const [first] = this.queue;
    if (!first) return [];
    const latest = this.clock.now() + 2 * this.timeLeft(first.deadline);
    let count = 0;
    const end = this.queue.findIndex(({ activities, deadline }, i) => {
      count += activities.length;
      return i > 0 && (count > this.settings.maxBatch || deadline > latest);
    });
    const taken = this.queue.splice(0, end === -1 ? this.queue.length : end);
    this.watchQueue();
    return taken;
  }

  /** A try takes some time, and so does it to cancel it. */
  private latestStart({ deadline }: PendingWrite): number {
    return deadline - 3 * this.grace;
  }

  private refuseLate(): void {
    const now = this.clock.now();
    const isLate = (work: PendingWrite): boolean => this.latestStart(work) <= now;
    if (!this.queue.some(isLate)) return;
    const late = this.queue.filter(isLate);
    this.queue = this.queue.filter((work) => !isLate(work));
    for (const work of late) {
      if (work.isAnswered) continue;
      this.answer(work, new UnavailableError(this.lateReason));
      this.unreported += 1;
    }
    // A try that is under way will soon say why.
    if (this.serving === this.seeking) this.reportLate();
  }

  private get lateReason(): string {
    return `the database did not take it within ${this.settings.timeout} ms`;
  }

  private reportLate(): void {
    for (; this.unreported > 0; this.unreported -= 1) this.overload(this.lateReason, 'timeout');
  }

  /** Refuses in time what waits for a connection. */
  private watchQueue(): void {
    clearTimeout(this.expiryTimer);
    const [first] = this.queue;
    if (!first) return;
    const wait = Math.max(1, this.timeLeft(this.latestStart(first)));
    this.expiryTimer = setTimeout(() => {
      this.refuseLate();
      this.watchQueue();
    }, wait).unref();
  }

  /** @throws what is worth another try */
  private async commit(works: PendingWrite[], write: Write, until: number): Promise<void> {
    try {
      const { erasures } = this;
      const { sessions, skipped } = this.sessionsOf(works);
      await this.send(works, sessions, write, until);
      // A session that was known may have been erased meanwhile: it is written again, the ids make that harmless.
      if (this.erasures !== erasures) await this.send(works, this.sessionsOf(works).sessions, write, until);
      else for (const id of sessions.keys()) this.knownSessions.add(id);
      this.noteSkipped(skipped);
    } catch (error) {
      const failure = this.failureOf(error);
      if (failure.kind === 'transient') throw error;
      if (failure.kind === 'data' && works.length > 1) {
        const middle = works.length >> 1;
        await this.commit(works.slice(0, middle), write, until);
        await this.commit(works.slice(middle), write, until);
        return;
      }
      for (const work of works) this.answer(work, this.refusal(failure, error));
      return;
    }
    this.pause = 0;
    this.silentSince = undefined;
    // Before the end of what has delayed them.
    this.reportLate();
    this.store.incidents.worked(SUBJECT);
    for (const work of works) this.answer(work);
  }

  private refusal(failure: StoreFailure, cause: unknown): Error {
    const { incidents } = this.store;
    if (failure.kind === 'data') return this.refuse(failure.reason, failure.code, cause);
    incidents.failed(SUBJECT, failure);
    const answer = 'the database did not take it';
    const hint = failure.advice ? `: ${failure.reason} (${failure.advice})` : '';
    return new UnavailableError(answer + hint, { cause, answer });
  }

  private failureOf(error: unknown): StoreFailure {
    const failure = this.store.classifyError(error);
    if (failure) return failure;
    const { name, message } = error instanceof Error ? error : new Error(String(error));
    // What a host's `transform` made cannot even be bound, such as properties that are no JSON.
    return { kind: error instanceof TypeError ? 'data' : 'transient', code: name, reason: message || name };
  }

  private async send(
    works: PendingWrite[],
    sessions: Map<string, Session>,
    write: Write,
    until: number,
  ): Promise<void> {
    const within = this.timeLeft(until) - this.grace;
    const batch = batchOf(this.rowsOf(works.flatMap(({ activities }) => activities)), [...sessions.values()]);
    // A session alone may have been stored in the meantime.
    if (batch.activities.length + batch.sessions.length > 0) await write(batch, Math.max(within, 1));
  }

  private answer(work: PendingWrite, error?: Error): void {
    if (work.isAnswered) return;
    work.isAnswered = true;
    this.waiting -= work.activities.length;
    if (error) work.reject(error);
    else work.resolve();
  }

  /** The sessions to insert, and those that need not be. */
  private sessionsOf(works: PendingWrite[]): { sessions: Map<string, Session>; skipped: NewSession[] } {
    const sessions = new Map<string, Session>();
    const skipped: NewSession[] = [];
    for (const { session } of works) {
      if (!session || sessions.has(session.id)) continue;
      if (this.canSkip(session)) skipped.push(session);
      else sessions.set(session.id, session.row());
    }
    return { sessions, skipped };
  }

  /** Nothing is checked after a shutdown, nor where nothing runs in the background. */
  private canSkip({ id }: NewSession): boolean {
    if (!this.background || this.isClosing || this.unchecked.size >= MAX_UNCHECKED) return false;
    return this.knownSessions.has(id);
  }

  private noteSkipped(sessions: NewSession[]): void {
    if (sessions.length === 0) return;
    for (const session of sessions) this.unchecked.set(session.id, session);
    if (!this.checkTimer && !this.checking) this.checkLater();
  }

  private async restoreErased(): Promise<void> {
    const sessions = this.unchecked;
    if (sessions.size === 0) return;
    this.unchecked = new Map();
    try {
      await this.store.restoreSessions([...sessions.values()], CHECK_SUBJECT);
    } catch (error) {
      for (const [id, session] of sessions) this.unchecked.set(id, session);
      // What the database failed at is in the log.
      if (!(error instanceof UnavailableError))
        this.store.incidents.failed(CHECK_SUBJECT, this.failureOf(error), 'warn');
    }
  }

  /** Each id once, with its page. */
  private rowsOf(given: StoredActivity[]): ActivityOnPage[] {
    const activities = new Map<string, ActivityOnPage>();
    for (const activity of given)
      if (!activities.has(activity.id))
        activities.set(activity.id, Object.assign(activity, { page: this.pages.find(activity.path) }));
    return [...activities.values()];
  }
}

function batchOf(activities: ActivityOnPage[], sessions: Session[]): Batch {
  const token = (): string => {
    const hash = createHash('sha256');
    for (const { id } of activities) hash.update(id);
    return hash.digest('hex');
  };
  return { activities, sessions, token };
}
