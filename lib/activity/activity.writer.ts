import type {
  BeforeApplicationShutdown,
  OnApplicationBootstrap,
  OnApplicationShutdown,
  OnModuleDestroy,
} from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { Telemetry } from '../diagnostics/telemetry.js';
import type { WriterSettings } from '../options/store.options.js';
import type { Store } from '../store/store.js';
import { UnavailableError } from '../store/unavailable.error.js';
import { monotonicClock } from '../time/clock.js';
import type { StoredActivity } from './activity.js';
import { BatchCommitter, toRows } from './batch-committer.js';
import type { CommittedActivities } from './committed-activities.js';
import { KnownSessions } from './known-sessions.js';
import { OpenWrites } from './open-writes.js';
import { PageResolver } from './page.js';
import type { NewSession } from './session.js';
import { WRITE_SYMPTOM, WriteErrors } from './write-errors.js';
import { type PendingWrite, WriteQueue } from './write-queue.js';

// Milliseconds.
const MIN_PAUSE = 20;
const MAX_PAUSE = 500;
/** In which the database confirms that it has cancelled a statement; less if the time-out is short. */
const MAX_GRACE = 250;

/**
 * Group commit: activities that arrive during a transaction wait together for the next one. A caller's promise settles when its activities
 * are committed, or at its deadline. A slow transaction is cancelled before the deadline, so that refused activities are not stored. If the
 * database does not confirm the cancellation, the connection is destroyed, and the result is unknown; sending the same ids again is
 * harmless.
 */
export class ActivityWriter
  implements OnApplicationBootstrap, OnModuleDestroy, BeforeApplicationShutdown, OnApplicationShutdown
{
  /** Requests are refused; the host's own code may still write. */
  isClosing = false;
  readonly sessions: KnownSessions;
  readonly errors: WriteErrors;
  private readonly queue: WriteQueue;
  private readonly committer: BatchCommitter;
  private readonly open = new OpenWrites();
  /** How many connections are used or waited for. */
  private serving = 0;
  /** How many of them have not taken writes from the queue yet. */
  private seeking = 0;
  private isStarting = false;
  /** Milliseconds until the next try after a failure. */
  private pause = 0;
  private pauseTimer: NodeJS.Timeout | undefined;
  private abortTimer: NodeJS.Timeout | undefined;
  /** When a connection was abandoned; `undefined` after the next successful write. */
  private silentSince: number | undefined;
  private isClosed = false;

  constructor(
    private readonly store: Store,
    private readonly settings: WriterSettings,
    private readonly pages = new PageResolver(),
    private readonly clock = monotonicClock,
    /** Whether anything may run after an answer. */
    background = true,
    private readonly committed?: CommittedActivities,
    telemetry = new Telemetry(),
  ) {
    const grace = Math.min(MAX_GRACE, settings.timeout / 10);
    this.errors = new WriteErrors(store, settings);
    this.sessions = new KnownSessions(store, this.errors, clock, background);
    this.queue = new WriteQueue(
      settings.maxBatch,
      3 * grace,
      clock,
      () => this.errors.late(),
      // A running transaction will soon log the cause.
      () => this.serving === this.seeking && this.errors.reportLate(),
    );
    const { queue, sessions, errors } = this;
    const onCommitted = (): void => {
      this.pause = 0;
      this.silentSince = undefined;
    };
    const parts = { store, queue, sessions, errors, pages, clock, grace, committed, telemetry };
    this.committer = new BatchCommitter({ ...parts, onCommitted });
  }

  /**
   * Resolves when the activities, and the session if it is new, are committed. Ids that are stored already are skipped.
   * @param deadline of {@link deadline}, if the caller has waited for the database before
   * @throws UnavailableError if too many wait, the time is over, or the database refuses
   * @throws UnstorableError if the database can never store it
   */
  async write(activities: StoredActivity[], session?: NewSession, deadline = this.deadline()): Promise<void> {
    if (this.isClosed) throw new UnavailableError('the application is shutting down');
    this.checkSize(activities.length);
    const written = this.queue.add(activities, session, deadline);
    this.open.add(written, activities);
    this.start();
    try {
      await written;
    } finally {
      this.open.delete(written);
    }
  }

  /** Returns the time, by the writer's clock, at which a write that begins now is refused. */
  deadline(within = this.settings.timeout): number {
    return this.clock.now() + within;
  }

  /** Returns the milliseconds until the deadline. */
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
   * Writes in a transaction of the host. Errors are those of the engine, so that the host can try again.
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
    await typeorm.write(manager, toRows(activities, this.pages), () => {
      // Only after the commit, because the host may roll back.
      if (session) this.storeLate(session);
      onCommit();
      this.committed?.emit(activities);
    });
  }

  /** @throws Error if the database cannot store every text */
  async onApplicationBootstrap(): Promise<void> {
    if (!this.store.isOpen) return;
    const fault = await this.store.findEncodingFault().catch(() => undefined);
    if (fault) throw new Error(`Djaffar: ${fault}`);
  }

  /** Runs first in a shutdown; otherwise new requests could keep the queue from becoming empty. */
  onModuleDestroy(): void {
    this.isClosing = true;
    this.sessions.stopSkipping();
  }

  /** How many activities wait to be committed. */
  get waitingActivities(): number {
    return this.queue.waiting;
  }

  /** Resolves when all writes that were accepted before the call are settled. */
  async settled(): Promise<void> {
    await this.open.settled();
  }

  /** Like `settled`, for the activities of one session. */
  async waitForSession(session: string): Promise<void> {
    await this.open.settled(session);
  }

  /** Resolves when each accepted write is committed, or refused because its time is over. */
  async beforeApplicationShutdown(): Promise<void> {
    this.onModuleDestroy();
    const deadline = this.deadline();
    this.abortTimer = setTimeout(() => this.store.abort(), this.settings.timeout);
    await this.settled();
    await this.sessions.close();
    await this.committed?.finish(Math.max(0, this.timeLeft(deadline)));
  }

  /** The host has already closed the data source. */
  async onApplicationShutdown(): Promise<void> {
    clearTimeout(this.abortTimer);
    this.isClosed = true;
    this.store.abort();
    await this.store.close();
  }

  private checkSize(activities: number): void {
    if (this.queue.waiting + activities > this.settings.maxWaiting) {
      throw this.errors.overload('too many activities are waiting to be written', 'maxWaiting');
    }
  }

  private storeLate(session: NewSession): void {
    const stored = this.sessions
      .storeLate(session)
      // It is in the log, and the next activity of the session stores it.
      .catch(() => {})
      .finally(() => this.open.delete(stored));
    this.open.add(stored, []);
  }

  /** Starts transactions after one turn of the event loop, for the requests that have arrived together. */
  private start(): void {
    if (this.isStarting || this.pauseTimer) return;
    this.isStarting = true;
    setImmediate(() => {
      this.isStarting = false;
      while (this.serving < this.settings.concurrency && this.seeking < this.queue.length) void this.serve();
    });
  }

  /** Writes the queue in one transaction. It never rejects: errors go to the callers of the writes. */
  private async serve(): Promise<void> {
    this.serving += 1;
    this.seeking += 1;
    let isSeeking = true;
    const found = (): void => {
      if (isSeeking) this.seeking -= 1;
      isSeeking = false;
    };
    const cancel = new AbortController();
    let batch: PendingWrite[] = [];
    try {
      await this.store.lendWriter(async (write) => {
        batch = this.queue.take();
        const begun = this.clock.now();
        found();
        if (batch.length === 0) return;
        const deadline = this.findDeadline(batch);
        const timer = setTimeout(() => {
          const silence = new UnavailableError('the database does not answer');
          cancel.abort(silence);
          this.handleSilence(begun);
          // Callers do not wait until the connection is given back.
          this.giveUp(batch, silence);
          batch = [];
        }, this.timeLeft(deadline));
        try {
          await this.committer.commit(batch, write, deadline);
        } finally {
          clearTimeout(timer);
        }
      }, cancel.signal);
    } catch (error) {
      // If another connection has written everything, nobody waits for this one, and a closed pool is no problem.
      const isOver = cancel.signal.aborted || (batch.length === 0 && this.queue.length === 0);
      if (!isOver) this.postpone(batch, error);
    }
    found();
    this.serving -= 1;
    this.errors.reportLate();
    this.start();
  }

  /**
   * A single unresponsive connection may be a coincidence. If a second one, used later, does not respond either, the network is down, and
   * the idle connections are dead too.
   */
  private handleSilence(begun: number): void {
    if (this.silentSince === undefined) this.silentSince = this.clock.now();
    else if (begun >= this.silentSince) this.store.dropIdleConnections();
  }

  /** Returns the time at which a try is cancelled. Writes with more time left are then retried. */
  private findDeadline(batch: PendingWrite[]): number {
    return batch.reduce((earliest, { deadline }) => Math.min(earliest, deadline), this.deadline());
  }

  /** Refuses the writes whose time is over; the others are tried again on another connection. */
  private giveUp(batch: PendingWrite[], silence: UnavailableError): void {
    const now = this.clock.now();
    for (const write of batch) if (write.deadline <= now) this.queue.answer(write, silence);
    this.postpone(batch, silence);
  }

  /** Tries the writes again after a pause. */
  private postpone(batch: PendingWrite[], error: unknown): void {
    this.store.incidents.failed(WRITE_SYMPTOM, this.errors.classify(error), 'warn');
    this.queue.putBack(batch);
    this.pause = Math.min(2 * this.pause || MIN_PAUSE, MAX_PAUSE);
    this.pauseTimer ??= setTimeout(() => {
      this.pauseTimer = undefined;
      this.start();
    }, this.pause);
  }
}
