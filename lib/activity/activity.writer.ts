import { type BeforeApplicationShutdown, Logger } from '@nestjs/common';
import { LRUCache } from 'lru-cache';
import type { DataSource } from 'typeorm';
import { monotonicClock } from '../time/clock.js';
import { Activity } from './activity.entity.js';
import { type Blame, type Dialect, dialectOf, type Insert } from './dialects/dialect.js';
import { Pages } from './page.js';
import { Session } from './session.entity.js';
import { Stale } from './stale.entity.js';
import { staleBy } from './stale.js';
import { Table } from './table.js';

/** What the database could not be made to keep, or not in time. To send the same again, with the same ids, is safe. */
export class UnavailableError extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'UnavailableError';
  }
}

export type StoredActivity = Omit<Activity, 'session' | 'page'>;

export interface WriterSettings {
  /** How many activities may wait; more are refused at once. */
  maxWaiting: number;
  /** How many activities go into one transaction. */
  maxBatch: number;
  /** How many transactions may be under way. */
  concurrency: number;
  /** Milliseconds that an activity may wait for its commit. */
  timeout: number;
}

/** The session of some activities; what is to be stored of it is asked for only where it may be new. */
export interface NewSession {
  id: string;
  row(): Session;
}

/** What one caller wants written, all or nothing. */
interface Work {
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
const LEAST_PATIENCE = 1000;

/**
 * Group commit: what arrives while transactions are under way waits together and goes into the next one. A caller is
 * answered when its activities are committed.
 */
export class ActivityWriter implements BeforeApplicationShutdown {
  private readonly logger = new Logger('Djaffar');
  private readonly dialect: Dialect;
  private readonly sessionTable: Table;
  private readonly activityTable: Table;
  private readonly staleTable: Table;
  /** Sessions that are stored, and need not be again; not for long, as another instance may erase one. */
  private readonly knownSessions = new LRUCache<string, true>({
    max: 50_000,
    ttl: 60_000,
    ttlResolution: 1000,
  });
  private readonly queue: Work[] = [];
  private waiting = 0;
  private underWay = 0;
  private isPumping = false;
  private erasures = 0;
  /** How often this process has changed what is stored. */
  changes = 0;
  private isClosed = false;
  /** For the database: it is said in the log once, not at each try. */
  private isWaiting = false;
  private idle: (() => void)[] = [];

  constructor(
    private readonly dataSource: DataSource,
    private readonly settings: WriterSettings,
    private readonly pages = new Pages(),
    private readonly clock = monotonicClock,
  ) {
    this.dialect = dialectOf(dataSource);
    this.sessionTable = new Table(dataSource, Session);
    this.activityTable = new Table(dataSource, Activity);
    this.staleTable = new Table(dataSource, Stale);
  }

  /**
   * Resolves once the activities, and the session where it is new, are committed. Ids that are there already are
   * passed over.
   * @throws UnavailableError where too many wait, the time is over, or the database refuses.
   */
  async write(activities: StoredActivity[], session?: NewSession): Promise<void> {
    this.checkRoom(activities.length);
    this.waiting += activities.length;
    await new Promise<void>((resolve, reject) => {
      const deadline = this.clock.now() + this.settings.timeout;
      this.queue.push({ activities, session, deadline, isAnswered: false, resolve, reject });
      this.pump();
    });
  }

  /**
   * Refuses at once what would have to wait too long, before any work is done on it.
   * @throws UnavailableError
   */
  checkRoom(activities = 1): void {
    if (this.isClosed) throw new UnavailableError('the application is shutting down');
    if (this.waiting + activities > this.settings.maxWaiting) {
      throw new UnavailableError('too many activities are waiting to be written');
    }
  }

  /** To be called where activities or sessions are erased. */
  noteErasure(): void {
    this.knownSessions.clear();
    this.erasures += 1;
    this.changes += 1;
  }

  /** Writes what is waiting, then refuses. */
  async beforeApplicationShutdown(): Promise<void> {
    if (this.queue.length > 0 || this.underWay > 0) {
      await new Promise<void>((resolve) => this.idle.push(resolve));
    }
    this.isClosed = true;
  }

  /** One turn of the event loop lets in the requests that have arrived together. */
  private pump(): void {
    if (this.isPumping) return;
    this.isPumping = true;
    setImmediate(() => {
      this.isPumping = false;
      while (this.queue.length > 0 && this.underWay < this.settings.concurrency) void this.commitNext();
    });
  }

  private async commitNext(): Promise<void> {
    this.underWay += 1;
    await this.commit(this.take());
    this.underWay -= 1;
    if (this.queue.length > 0) this.pump();
    else if (this.underWay === 0) for (const resolve of this.idle.splice(0)) resolve();
  }

  private take(): Work[] {
    let count = 0;
    let end = 0;
    do count += this.queue[end++]?.activities.length ?? 0;
    while (
      end < this.queue.length &&
      count + (this.queue[end]?.activities.length ?? 0) <= this.settings.maxBatch
    );
    return this.queue.splice(0, end);
  }

  /** Never rejects: whatever happens is told to those who wait. */
  private async commit(works: Work[], pause = FIRST_PAUSE): Promise<void> {
    const now = this.clock.now();
    for (const work of works) if (work.deadline <= now) this.refuse(work);
    const inTime = works.filter((work) => work.deadline > now);
    if (inTime.length === 0) return;
    const blame = await this.attempt(inTime);
    if (blame === 'row' && inTime.length > 1) {
      const middle = inTime.length >> 1;
      await this.commit(inTime.slice(0, middle));
      await this.commit(inTime.slice(middle));
    } else if (blame === 'moment') {
      await new Promise((resolve) => setTimeout(resolve, pause));
      await this.commit(inTime, Math.min(2 * pause, LONGEST_PAUSE));
    }
  }

  /** @returns the blame where it is worth going on, `undefined` when all are answered. */
  private async attempt(works: Work[]): Promise<Blame | undefined> {
    try {
      const { erasures } = this;
      const sessions = this.newSessionsOf(works);
      await this.writeInTime(works, sessions);
      // A session that was known may have been erased meanwhile: it is written again, the ids make that harmless.
      if (this.erasures !== erasures) await this.writeInTime(works, this.newSessionsOf(works));
      else for (const id of sessions.keys()) this.knownSessions.set(id, true);
      this.isWaiting = false;
      this.changes += 1;
      for (const work of works) this.answer(work);
      return undefined;
    } catch (error) {
      const blame = this.blame(error);
      const reason = error instanceof Error ? error.message || error.name : String(error);
      if (blame === 'moment' && !this.isWaiting) this.logger.warn(`activities have to wait: ${reason}`);
      this.isWaiting = blame === 'moment';
      if (blame === 'moment' || (blame === 'row' && works.length > 1)) return blame;
      const cure = blame === 'statement' ? ' (have the migrations been run?)' : '';
      this.logger.error(`activities could not be stored: ${reason}${cure}`);
      const refusal = new UnavailableError('the database did not take it', { cause: error });
      for (const work of works) this.answer(work, refusal);
      return undefined;
    }
  }

  private blame(error: unknown): Blame {
    if (error instanceof UnavailableError) return 'moment';
    // What a host's `transform` made cannot even be bound, such as properties that are no JSON.
    return error instanceof TypeError ? 'row' : this.dialect.blame(error);
  }

  /**
   * At the first deadline the statement is cancelled, so that what is refused is not stored after all.
   * @throws UnavailableError where the database does not even answer to that; then nobody knows what it stores
   */
  private async writeInTime(works: Work[], sessions: Map<string, Session>): Promise<void> {
    const cancel = new AbortController();
    const patience = Math.max(LEAST_PATIENCE, (works[0]?.deadline ?? 0) - this.clock.now());
    let timer = setTimeout(() => cancel.abort(), patience);
    const lost = new Promise<never>((_, reject) => {
      cancel.signal.addEventListener('abort', () => {
        timer = setTimeout(
          () => reject(new UnavailableError('the database does not answer')),
          LEAST_PATIENCE,
        );
      });
    });
    try {
      await Promise.race([
        this.dialect.write(this.dataSource, this.insertsOf(works, sessions), cancel.signal),
        lost,
      ]);
    } finally {
      clearTimeout(timer);
    }
  }

  private refuse(work: Work): void {
    this.answer(
      work,
      new UnavailableError(`the database did not take it within ${this.settings.timeout} ms`),
    );
  }

  private answer(work: Work, error?: Error): void {
    if (work.isAnswered) return;
    work.isAnswered = true;
    this.waiting -= work.activities.length;
    if (error) work.reject(error);
    else work.resolve();
  }

  private newSessionsOf(works: Work[]): Map<string, Session> {
    const sessions = new Map<string, Session>();
    for (const { session } of works) {
      if (session && !sessions.has(session.id) && !this.knownSessions.has(session.id)) {
        sessions.set(session.id, session.row());
      }
    }
    return sessions;
  }

  private insertsOf(works: Work[], sessions: Map<string, Session>): Insert[] {
    const activities = new Map<string, StoredActivity>();
    for (const work of works) {
      for (const activity of work.activities) {
        if (activities.has(activity.id)) continue;
        activities.set(activity.id, Object.assign(activity, { page: this.pages.find(activity.path) }));
      }
    }
    const rows = [...activities.values()];
    const inserts = [this.activityTable.insert(rows), this.staleTable.insert(staleBy(rows))];
    if (sessions.size > 0) inserts.unshift(this.sessionTable.insert([...sessions.values()]));
    return inserts;
  }
}
