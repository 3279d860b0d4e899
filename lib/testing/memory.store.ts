import { IncidentLog } from '../diagnostics/incident-log.js';
import { type OutcomeCount, sumOutcomes } from '../diagnostics/outcome-counter.js';
import type { CookielessVisit, Salt } from '../privacy/salt.js';
import type { SigningKey } from '../privacy/signing-key.js';
import type { StatisticsStore } from '../statistics/statistics.store.js';
import type { Outbox } from '../store/outbox.js';
import type { Store, StoreFailure } from '../store/store.js';
import type { SessionClaim, SessionClaimStore } from '../store/session-claim.types.js';
import type { Write } from '../store/batch.js';
import type { ErasureSelection, RetentionResult } from '../store/erasure.types.js';
import { MemoryActivities } from './memory-activities.js';

const NO_STATISTICS =
  'nestjs-djaffar/testing stores activities in memory and cannot answer ActivityStats: use a database in a test of statistics, ' +
  'such as SQLite in memory, or replace ActivityStats by a mock';

/** A store without a database, a clock and transactions. It answers questions about single activities, and no statistics. */
export class MemoryStore extends MemoryActivities implements Store {
  readonly engine = 'memory';
  readonly incidents = new IncidentLog();
  readonly isOpen: boolean = true;
  readonly isTransactional = true;
  readonly writers = 1;
  readonly clockAhead = 0;
  readonly outbox: Outbox | undefined = silentOutbox;
  readonly statistics: StatisticsStore = { read: () => Promise.reject(new Error(NO_STATISTICS)) };
  readonly sessionClaims: SessionClaimStore = {
    atOnce: 1,
    pause: 0,
    claim: async (claims) =>
      claims.map((claim) => {
        this.claimSession(claim);
        return true;
      }),
  };
  private readonly visits = new Map<string, CookielessVisit>();
  private readonly listeners = new Set<() => void>();
  private keys: SigningKey[] = [];
  private salts: Salt[] = [];
  private outcomes: OutcomeCount[] = [];

  /** The keys of cookies stay: browsers keep their sessions. */
  clear(): void {
    this.activities.clear();
    this.sessions.clear();
    this.visits.clear();
  }

  /**
   * Calls a function after each write.
   * @returns a function that ends it
   */
  onWrite(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  lendWriter(work: (write: Write) => Promise<void>): Promise<void> {
    return work(async ({ activities, sessions }) => {
      for (const activity of activities)
        if (!this.activities.has(activity.id)) this.activities.set(activity.id, structuredClone(activity));
      for (const session of sessions)
        if (!this.sessions.has(session.id)) this.sessions.set(session.id, session);
      for (const listener of this.listeners) listener();
    });
  }

  async erase(selection: ErasureSelection, onErased: () => void): Promise<number> {
    const erased = this.selectToErase(selection);
    for (const { id } of erased) this.activities.delete(id);
    const left = new Set([...this.activities.values()].map(({ sessionId }) => sessionId));
    for (const { sessionId } of erased)
      if (sessionId !== null && !left.has(sessionId)) this.sessions.delete(sessionId);
    onErased();
    return erased.length;
  }

  async anonymise(selection: ErasureSelection, properties: string[], onChanged: () => void): Promise<number> {
    const found = this.selectToErase(selection);
    for (const activity of found) {
      const kept = Object.entries(activity.properties ?? {}).filter(([key]) => !properties.includes(key));
      const { sessionId } = activity;
      const isOfBot = sessionId !== null && this.sessions.get(sessionId)?.bot;
      this.activities.set(activity.id, {
        ...activity,
        userId: null,
        userName: null,
        groupName: null,
        sessionId: isOfBot ? sessionId : null,
        ipAddress: null,
        properties: activity.properties && Object.fromEntries(kept),
      });
    }
    onChanged();
    return found.length;
  }

  /** Nothing grows old in a test. */
  async retain(): Promise<RetentionResult> {
    return { erased: 0, anonymised: 0 };
  }

  async previewRetention(): Promise<RetentionResult> {
    return { erased: 0, anonymised: 0 };
  }

  async retainedAt(): Promise<{ doneAt: number; now: number }> {
    return { doneAt: 0, now: Date.now() };
  }

  async loadSalts(next: (now: number) => Salt): Promise<Salt[]> {
    const salt = next(Date.now());
    if (!this.salts.some(({ period }) => period === salt.period)) this.salts.push(salt);
    this.salts = this.salts.filter(({ period }) => Math.abs(period - salt.period) <= 1);
    return this.salts;
  }

  async deleteReservedVisits(): Promise<number> {
    return 0;
  }

  async findReservedVisits(sessions: string[]): Promise<CookielessVisit[]> {
    return sessions.flatMap((session) => this.visits.get(session) ?? []);
  }

  async reserveVisits(visits: CookielessVisit[]): Promise<CookielessVisit[]> {
    for (const visit of visits) {
      const stored = this.visits.get(visit.sessionId);
      if (!stored || stored.version === visit.version - 1) this.visits.set(visit.sessionId, visit);
    }
    return this.findReservedVisits(visits.map(({ sessionId }) => sessionId));
  }

  async loadSigningKeys(
    next: (newest: SigningKey | undefined) => SigningKey | undefined,
  ): Promise<SigningKey[]> {
    const key = next(this.keys.at(-1));
    if (key) this.keys = [...this.keys, key];
    return this.keys;
  }

  async inspect(): Promise<never[]> {
    return [];
  }

  async findLag(): Promise<{ lag: number; now: number }> {
    return { lag: 0, now: Date.now() };
  }

  async addOutcomes(counts: OutcomeCount[]): Promise<void> {
    this.outcomes = sumOutcomes([...this.outcomes, ...counts]);
  }

  async findOutcomes(since: number): Promise<OutcomeCount[]> {
    return this.outcomes.filter(({ hour }) => hour >= since);
  }

  async restoreSessions(): Promise<number> {
    return 0;
  }

  async findEncodingFault(): Promise<undefined> {}

  async addUserAgents(): Promise<number> {
    return 0;
  }

  classifyError(): StoreFailure | undefined {
    return undefined;
  }

  toUnavailable(): undefined {}

  dropIdleConnections(): void {}

  async check(): Promise<{ visits: number; sums: number; pages: number }> {
    return { visits: 0, sums: 0, pages: 0 };
  }

  async rebuild(): Promise<void> {}

  async migrate(): Promise<void> {}

  abort(): void {}

  async close(): Promise<void> {}

  private claimSession({ session, user, userName, until }: SessionClaim): void {
    const before = this.sort({ session }, 'asc').filter(({ date }) => date <= until);
    const last = before.findLast(({ userId }) => userId !== null && userId !== user);
    const found = before.filter(({ userId, date }) => userId === null && (!last || date > last.date));
    if (this.sessions.get(session)?.bot || this.visits.has(session)) return;
    for (const activity of found) this.activities.set(activity.id, { ...activity, userId: user, userName });
  }
}

/** An outbox that delivers nothing, as if another instance did it, so that an app with subscriptions starts in a test. */
export const silentOutbox: Outbox = {
  register: () => Promise.resolve(),
  take: () => Promise.resolve(undefined),
  renew: () => Promise.resolve(false),
  release: () => Promise.resolve(),
  findWaiting: () => Promise.resolve([]),
  findHistory: () => Promise.resolve({ activities: [], next: null }),
  settle: () => Promise.resolve(false),
  resume: () => Promise.resolve(false),
  discard: () => Promise.resolve(),
  status: () => Promise.resolve([]),
  deleteAbandoned: () => Promise.resolve(),
};
